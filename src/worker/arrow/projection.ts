/** What the kernel computes of a result's columns before they are written as Arrow: values whose bytes Arrow can take over. */

import { ipAddressText } from '../../types/ip-address.ts';
import { fieldName } from '../../types/kernel.ts';
import { zonedTimeText } from '../../types/text.ts';
import type { SqlType } from '../../types/type.ts';

/** A kernel expression over `sql`, one of `kernelType(type)`, which is repeated: pass a column. */
export function arrowSql(type: SqlType, sql: string, depth = 0): string {
  if (!isConverted(type)) return sql;
  const item = `a${depth}`;
  switch (type.kind) {
    case 'decimal':
      // All in the sixteen bytes that Arrow has for them.
      return `CAST(${sql} AS DECIMAL(38,${type.scale}))`;
    case 'char':
      return `rpad(${sql}, ${type.length}, ' ')`;
    case 'uuid':
      return `CAST(${sql} AS VARCHAR)`;
    case 'ipaddress':
      return ipAddressText(sql);
    case 'time with time zone':
      return zonedTimeText(sql, type.precision, type.precision);
    case 'timestamp with time zone':
      return `(${sql}).instant`;
    case 'interval year to month':
      return `to_months(${sql})`;
    case 'array':
      return `list_transform(${sql}, lambda ${item}: ${arrowSql(type.element, item, depth + 1)})`;
    case 'map': {
      const key = arrowSql(type.key, `${item}.key`, depth + 1);
      const value = arrowSql(type.value, `${item}.value`, depth + 1);
      return `map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: {'key': ${key}, 'value': ${value}}))`;
    }
    case 'row': {
      const fields = type.fields.map(
        (field, i) => `'${fieldName(i)}': ${arrowSql(field.type, `(${sql}).${fieldName(i)}`, depth)}`,
      );
      return `CASE WHEN ${sql} IS NOT NULL THEN {${fields.join(', ')}} END`;
    }
    case 'bigint':
    case 'boolean':
    case 'date':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'json':
    case 'real':
    case 'smallint':
    case 'time':
    case 'timestamp':
    case 'tinyint':
    case 'unknown':
    case 'varbinary':
    case 'varchar':
      return sql;
  }
}

/** Whether `arrowSql` is more than the value itself. */
function isConverted(type: SqlType): boolean {
  switch (type.kind) {
    case 'decimal':
    case 'char':
    case 'uuid':
    case 'ipaddress':
    case 'time with time zone':
    case 'timestamp with time zone':
    case 'interval year to month':
      return true;
    case 'array':
      return isConverted(type.element);
    case 'map':
      return isConverted(type.key) || isConverted(type.value);
    case 'row':
      return type.fields.some((field) => isConverted(field.type));
    case 'bigint':
    case 'boolean':
    case 'date':
    case 'double':
    case 'function':
    case 'integer':
    case 'interval day to second':
    case 'json':
    case 'real':
    case 'smallint':
    case 'time':
    case 'timestamp':
    case 'tinyint':
    case 'unknown':
    case 'varbinary':
    case 'varchar':
      return false;
  }
}
