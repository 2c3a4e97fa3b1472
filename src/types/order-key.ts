/**
 * The key by which values are ordered, where that is another than the one by which they are equal (`keySql`): a `char` is
 * compared as if padded with blanks, and what has no order (NaN, and NULL within arrays and rows) stands last, as the kernel
 * has it, or first for whoever looks for the greatest.
 */

import { fieldName, hasKeyOfItsOwn, keySql } from './kernel.ts';
import type { SqlType } from './type.ts';

export type Unordered = 'first' | 'last';

/** Whether `orderKeySql` is more than the value itself. */
export function hasOrderKey(type: SqlType, unordered: Unordered = 'last'): boolean {
  if (type.kind === 'char') return true;
  if (type.kind === 'real' || type.kind === 'double') return unordered === 'first';
  if (type.kind === 'array') return unordered === 'first' || hasOrderKey(type.element);
  if (type.kind === 'row') return unordered === 'first' || type.fields.some((field) => hasOrderKey(field.type));
  return hasKeyOfItsOwn(type);
}

/** A kernel expression over `sql`, which is repeated. NULL for NULL. */
export function orderKeySql(type: SqlType, sql: string, unordered: Unordered = 'last', depth = 0): string {
  if (!hasOrderKey(type, unordered)) return sql;
  const part = (inner: SqlType, value: string): string => {
    const key = orderKeySql(inner, value, unordered, depth + 1);
    return unordered === 'first' ? `{'present': ${value} IS NOT NULL, 'key': ${key}}` : key;
  };
  if (type.kind === 'char') return `rpad(${sql}, ${type.length}, ' ')`;
  if (type.kind === 'real' || type.kind === 'double') {
    return `CASE WHEN ${sql} IS NOT NULL THEN {'number': NOT isnan(${sql}), 'value': ${sql}} END`;
  }
  if (type.kind === 'array') {
    const item = `o${depth}`;
    return `list_transform(${sql}, lambda ${item}: ${part(type.element, item)})`;
  }
  if (type.kind === 'row') {
    const fields = type.fields.map((field, i) => `'${fieldName(i)}': ${part(field.type, `(${sql}).${fieldName(i)}`)}`);
    return `CASE WHEN ${sql} IS NOT NULL THEN {${fields.join(', ')}} END`;
  }
  return keySql(type, sql, depth);
}
