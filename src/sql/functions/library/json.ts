/** JSON: paths, sizes, parsing. JSON stands as text; functions over VARCHAR give NULL where the text is no JSON. */

import { QueryError } from '../../../common/errors.ts';
import { quote } from '../../../types/kernel.ts';
import type { Expression } from '../../expression.ts';
import { raiseSql } from '../../../types/raise.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { constantText } from './constants.ts';

/** A literal path of Trino's (`$.a["b c"][0]`) in the kernel's spelling. */
function pathSql(sql: string, expression: Expression | undefined): string {
  const text = constantText(expression);
  if (text === undefined) {
    if (expression?.kind === 'Constant') return 'CAST(NULL AS VARCHAR)';
    return sql;
  }
  let rest = text.trim();
  if (rest.startsWith('$')) rest = rest.slice(1);
  else if (/^[A-Za-z_]/.test(rest)) rest = `.${rest}`;
  let out = '$';
  while (rest !== '') {
    const name =
      /^\.([A-Za-z0-9_\-:$]+)|^\["((?:[^"\\]|\\.)*)"\]|^\['((?:[^'\\]|\\.)*)'\]|^\[([A-Za-z_][^\]"']*)\]/.exec(rest);
    const index = /^\[(\d+)\]/.exec(rest);
    if (index) out += `[${index[1]}]`;
    else if (name) {
      const key = name[1] ?? name[2] ?? name[3] ?? name[4] ?? '';
      if (key.includes('"'))
        throw new QueryError('NOT_SUPPORTED', `JSON paths with quotes in a name are not supported: ${text}`);
      out += `."${key}"`;
    } else if (/^\.\.|^\.?\*|^\[\*\]|^\[[?(:-]/.test(rest)) {
      throw new QueryError('NOT_SUPPORTED', `JSON path '${text}' is not supported: use names and indexes`);
    } else throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Invalid JSON path: '${text}'`);
    rest = rest.slice((index ?? name)![0].length);
  }
  return quote(out);
}

/** Text arguments that are no JSON give NULL; JSON values are well-formed already. */
const guarded =
  (body: (json: string, kit: Parameters<Render>[1], args: readonly string[]) => string): Render =>
  (args, kit) =>
    kit.types[0]?.kind === 'json'
      ? kit.bind(args[0]!, (j) => body(j, kit, args))
      : kit.bind(args[0]!, (j) => `CASE WHEN json_valid(${j}) THEN ${body(j, kit, args)} END`);

const extract = guarded(
  (j, kit, args) => `CAST(json_extract(${j}, ${pathSql(args[1]!, kit.expressions[1])}) AS VARCHAR)`,
);

const extractScalar = guarded((j, kit, args) => {
  const path = pathSql(args[1]!, kit.expressions[1]);
  return `CASE WHEN json_type(${j}, ${path}) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(${j}, ${path}) END`;
});

const arrayLength = guarded(
  (j) => `CASE WHEN json_type(${j}) = 'ARRAY' THEN CAST(json_array_length(${j}) AS BIGINT) END`,
);

const arrayGet = guarded((j, { bind }, [, index = '']) =>
  bind(
    index,
    (i) =>
      `CASE WHEN json_type(${j}) = 'ARRAY' THEN nullif(CAST(CAST(json_extract(${j}, '$[*]') AS VARCHAR[])[CASE WHEN ${i} >= 0 THEN ${i} + 1 ELSE ${i} END] AS VARCHAR), 'null') END`,
  ),
);

const size = guarded((j, kit, args) => {
  const path = pathSql(args[1]!, kit.expressions[1]);
  return `CASE json_type(${j}, ${path}) WHEN 'ARRAY' THEN CAST(json_array_length(${j}, ${path}) AS BIGINT) WHEN 'OBJECT' THEN CAST(len(json_keys(${j}, ${path})) AS BIGINT) WHEN NULL THEN NULL ELSE CASE WHEN json_type(${j}, ${path}) IS NOT NULL THEN 0 END END`;
});

/** Elements of one kind that read as the wanted value. */
const arrayContains = (kinds: string, read: (text: string) => string): Render =>
  guarded((j, { bind }, [, item = '']) =>
    bind(item, (x) => {
      const elements = `CAST(json_extract(${j}, '$[*]') AS VARCHAR[])`;
      return `CASE WHEN json_type(${j}) = 'ARRAY' AND ${x} IS NOT NULL THEN len(list_filter(${elements}, lambda e: json_type(e) IN (${kinds}) AND ${read(`json_extract_string(e, '$')`)} = ${x})) > 0 END`;
    }),
  );

const INVALID = (text: string): string =>
  raiseSql('INVALID_FUNCTION_ARGUMENT', `'Cannot convert value to JSON: ''' || ${text} || ''''`);

const parse: Render = ([text = ''], { bind }) =>
  bind(
    text,
    (t) =>
      `CASE WHEN ${t} IS NULL THEN NULL WHEN json_valid(${t}) THEN CAST(json(${t}) AS VARCHAR) ELSE ${INVALID(t)} END`,
  );

const JSONS = ['json', 'varchar'];

export const JSON_FUNCTIONS: readonly FunctionDefinition[] = [
  define('json_parse(varchar): json', parse),
  define('json_format(json): varchar', ([j = '']) => j),
  ...JSONS.flatMap((t) => [
    define(`json_extract(${t}, varchar): json`, extract),
    define(`json_extract_scalar(${t}, varchar): varchar`, extractScalar),
    define(`json_array_length(${t}): bigint`, arrayLength),
    define(`json_array_get(${t}, bigint): json`, arrayGet),
    define(`json_size(${t}, varchar): bigint`, size),
    define(
      `json_array_contains(${t}, boolean): boolean`,
      arrayContains(`'BOOLEAN'`, (e) => `(${e} = 'true')`),
    ),
    define(
      `json_array_contains(${t}, bigint): boolean`,
      arrayContains(`'BIGINT', 'UBIGINT'`, (e) => `TRY_CAST(${e} AS BIGINT)`),
    ),
    define(
      `json_array_contains(${t}, double): boolean`,
      // A number without point or exponent is not floating.
      arrayContains(`'DOUBLE'`, (e) => `TRY_CAST(${e} AS DOUBLE)`),
    ),
    define(
      `json_array_contains(${t}, varchar): boolean`,
      arrayContains(`'VARCHAR'`, (e) => e),
    ),
    define(`is_json_scalar(${t}): boolean`, ([j = ''], { bind }) =>
      bind(
        j,
        (x) =>
          `CASE WHEN ${x} IS NULL THEN NULL WHEN json_valid(${x}) THEN json_type(${x}) NOT IN ('OBJECT', 'ARRAY') ELSE ${INVALID(x)} END`,
      ),
    ),
  ]),
];
