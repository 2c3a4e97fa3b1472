/** Casts between JSON and SQL values. JSON stands in the kernel as text without white space between its parts. */

import { fieldName, kernelType, quote } from '../../types/kernel.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import type { CastKit } from '../functions/definition.ts';
import { textOf } from './render-text.ts';
import { raiseSql } from '../../types/raise.ts';

/** CAST(x AS JSON): NULL stays NULL at the top and becomes `null` inside. */
export function castToJson(from: SqlType, sql: string, kit: CastKit): string {
  switch (from.kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'decimal':
      return textOf(from, sql, kit);
    case 'real':
    case 'double':
      return kit.bind(
        sql,
        (s) =>
          `CASE WHEN isfinite(${s}) THEN ${floatJson(s)} ELSE CAST(to_json(${textOf(from, s, kit)}) AS VARCHAR) END`,
      );
    case 'json':
      return sql;
    case 'array': {
      const item = kit.fresh();
      return `'[' || array_to_string(list_transform(${sql}, lambda ${item}: coalesce(${castToJson(from.element, item, kit)}, 'null')), ',') || ']'`;
    }
    case 'map': {
      const item = kit.fresh();
      const key = `CAST(to_json(${keyText(from.key, `${item}.key`, kit)}) AS VARCHAR)`;
      const entry = `${key} || ':' || coalesce(${castToJson(from.value, `${item}.value`, kit)}, 'null')`;
      // Trino writes the keys of objects in order.
      return `'{' || array_to_string(list_sort(list_transform(map_entries(${sql}), lambda ${item}: ${entry})), ',') || '}'`;
    }
    case 'row':
      return kit.bind(sql, (s) => {
        const parts = from.fields.map((field, i) => {
          const value = `coalesce(${castToJson(field.type, `(${s}).${fieldName(i)}`, kit)}, 'null')`;
          return `${quote(`${JSON.stringify(field.name ?? '')}:`)} || ${value}`;
        });
        return `CASE WHEN ${s} IS NOT NULL THEN '{' || concat_ws(',', ${parts.join(', ')}) || '}' END`;
      });
    case 'varchar':
    case 'char':
    case 'varbinary':
    case 'date':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'interval year to month':
    case 'interval day to second':
    case 'uuid':
    case 'ipaddress':
    case 'unknown':
    case 'function':
      return `CAST(to_json(${textOf(from, sql, kit)}) AS VARCHAR)`;
  }
}

/** Keys are texts; floating ones in the way of JSON numbers. */
const keyText = (type: SqlType, sql: string, kit: CastKit): string =>
  type.kind === 'real' || type.kind === 'double' ? floatJson(sql) : textOf(type, sql, kit);

const floatJson = (sql: string): string =>
  `regexp_replace(regexp_replace(upper(CAST(${sql} AS VARCHAR)), 'E\\+?(-?)0*', 'E\\1'), '^(-?[0-9]+)E', '\\1.0E')`;

/** CAST(json AS T): JSON's null is NULL. `text` is repeated. */
export function castFromJson(to: SqlType, sql: string, kit: CastKit): string {
  return kit.bind(sql, (s) => {
    const failure = raiseSql('INVALID_CAST_ARGUMENT', `'Cannot cast to ${typeName(to)}. ' || ${s}`);
    const scalar = (attempt: string): string =>
      `CASE WHEN json_type(${s}) = 'NULL' THEN NULL WHEN ${s} IS NOT NULL THEN coalesce(${attempt}, ${failure}) END`;
    const text = `json_extract_string(${s}, '$')`;
    const kinds = (yes: string): string => `CASE WHEN json_type(${s}) NOT IN ('OBJECT', 'ARRAY') THEN ${yes} END`;
    switch (to.kind) {
      case 'varchar': {
        const double = textOf({ kind: 'double' }, `CAST(${text} AS DOUBLE)`, kit);
        const value = `CASE WHEN json_type(${s}) = 'DOUBLE' THEN ${double} ELSE ${text} END`;
        return scalar(kinds(to.length === undefined ? value : `left(${value}, ${to.length})`));
      }
      case 'boolean':
        return scalar(
          kinds(
            `CASE WHEN json_type(${s}) IN ('BOOLEAN', 'VARCHAR') THEN CASE WHEN lower(${text}) = 'true' THEN true WHEN lower(${text}) = 'false' THEN false END ELSE TRY_CAST(${text} AS DOUBLE) <> 0 END`,
          ),
        );
      case 'tinyint':
      case 'smallint':
      case 'integer':
      case 'bigint':
        return scalar(
          kinds(
            `CASE json_type(${s}) WHEN 'BOOLEAN' THEN CAST(${text} = 'true' AS ${kernelType(to)}) WHEN 'DOUBLE' THEN TRY_CAST(round(TRY_CAST(${text} AS DOUBLE)) AS ${kernelType(to)}) ELSE CASE WHEN regexp_full_match(${text}, '[+-]?[0-9]+') THEN TRY_CAST(${text} AS ${kernelType(to)}) END END`,
          ),
        );
      case 'real':
      case 'double':
      case 'decimal':
        return scalar(
          kinds(
            // The kernel makes doubles of numbers that it extracts.
            `CASE json_type(${s}) WHEN 'BOOLEAN' THEN CAST(${text} = 'true' AS ${kernelType(to)}) WHEN 'VARCHAR' THEN TRY_CAST(${text} AS ${kernelType(to)}) ELSE TRY_CAST(${s} AS ${kernelType(to)}) END`,
          ),
        );
      case 'array': {
        const item = kit.fresh();
        const parts = `list_transform(CAST(json_extract(${s}, '$[*]') AS VARCHAR[]), lambda ${item}: ${castFromJson(to.element, item, kit)})`;
        return scalar(`CASE WHEN json_type(${s}) = 'ARRAY' THEN CAST(${parts} AS ${kernelType(to)}) END`);
      }
      case 'map': {
        const item = kit.fresh();
        const value = castFromJson(to.value, `json_extract(${s}, '$."' || ${item} || '"')`, kit);
        const key = castFromJson(to.key, `CAST(to_json(${item}) AS VARCHAR)`, kit);
        const parts = `map_from_entries(list_transform(json_keys(${s}), lambda ${item}: {'key': ${key}, 'value': ${value}}))`;
        return scalar(`CASE WHEN json_type(${s}) = 'OBJECT' THEN CAST(${parts} AS ${kernelType(to)}) END`);
      }
      case 'row': {
        const byIndex = to.fields.map(
          (f, i) => `'${fieldName(i)}': ${castFromJson(f.type, `json_extract(${s}, '$[${i}]')`, kit)}`,
        );
        // A field without a name is found by its place only.
        const byName = to.fields.map(({ name, type }, i) => {
          if (name === undefined) return `'${fieldName(i)}': CAST(NULL AS ${kernelType(type)})`;
          return `'${fieldName(i)}': ${castFromJson(type, `json_extract(${s}, ${quote(`$."${name}"`)})`, kit)}`;
        });
        return scalar(
          `CASE json_type(${s}) WHEN 'ARRAY' THEN {${byIndex.join(', ')}} WHEN 'OBJECT' THEN {${byName.join(', ')}} END`,
        );
      }
      case 'json':
        return `CAST(${s} AS VARCHAR)`;
      case 'char':
      case 'varbinary':
      case 'date':
      case 'time':
      case 'time with time zone':
      case 'timestamp':
      case 'timestamp with time zone':
      case 'interval year to month':
      case 'interval day to second':
      case 'uuid':
      case 'ipaddress':
      case 'unknown':
      case 'function':
        return `CAST(${text} AS ${kernelType(to)})`;
    }
  });
}
