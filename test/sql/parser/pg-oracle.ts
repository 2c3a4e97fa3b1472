/** PostgreSQL's own parser as an oracle: what it makes of an expression, every operator in parentheses. */
import { loadModule, parseSync } from 'libpg-query';
import type { Constructs } from './random-expressions.ts';

export const PG_CONSTRUCTS: Constructs = {
  intervals: false,
  lambdas: false,
  parameters: false,
  truthTests: true,
  symmetricBetween: true,
  subscriptsOfAnything: false,
  timeZonesAnywhere: false,
  signsOfAnything: false,
  listsOfOne: false,
  length: 1,
};

/** A node of PostgreSQL's tree: one key, its kind. */
type PgNode = { readonly [kind: string]: PgFields };
type PgFields = { readonly [field: string]: unknown };

export async function pgOracle(): Promise<(expression: string) => string> {
  await loadModule();
  return (expression) => {
    const { stmts } = parseSync(`SELECT ${expression}`) as unknown as {
      stmts: readonly [{ stmt: { SelectStmt: { targetList: readonly [{ ResTarget: { val: PgNode } }] } } }];
    };
    return write(stmts[0].stmt.SelectStmt.targetList[0].ResTarget.val);
  };
}

const TYPES: Readonly<Record<string, string>> = { int8: 'bigint', bool: 'boolean' };

function write(node: PgNode): string {
  const [kind, fields] = Object.entries(node)[0]!;
  const inner = (field: string): string => write(fields[field] as PgNode);
  const nodes = (field: string): readonly PgNode[] => (fields[field] ?? []) as readonly PgNode[];
  const list = (field: string): string => nodes(field).map(write).join(', ');
  const name = (field: string): string => nodes(field).map(text).join('.');
  switch (kind) {
    case 'A_Const':
      return constant(fields);
    case 'ColumnRef':
      return nodes('fields').map(identifier).join('.');
    case 'BoolExpr':
      if (fields['boolop'] === 'NOT_EXPR') return `(NOT ${list('args')})`;
      return nodes('args')
        .map(write)
        .reduce((left, right) => `(${left} ${fields['boolop'] === 'AND_EXPR' ? 'AND' : 'OR'} ${right})`);
    case 'A_Expr':
      return operation(fields, inner, name('name'));
    case 'NullTest':
      return `(${inner('arg')} IS ${fields['nulltesttype'] === 'IS_NULL' ? '' : 'NOT '}NULL)`;
    case 'BooleanTest':
      return `(${inner('arg')} ${String(fields['booltesttype']).replaceAll('_', ' ')})`;
    case 'SubLink':
      return subquery(fields, inner, name('operName'));
    case 'TypeCast': {
      const names = (fields['typeName'] as { names: readonly PgNode[] }).names.map(text);
      const type = TYPES[names.at(-1)!] ?? names.at(-1)!;
      return fields['location'] === -1 ? `${type.toUpperCase()} ${inner('arg')}` : `CAST(${inner('arg')} AS ${type})`;
    }
    case 'FuncCall':
      return call(name('funcname'), nodes('args').map(write));
    case 'CoalesceExpr':
      return `COALESCE(${list('args')})`;
    case 'RowExpr':
      return `ROW(${list('args')})`;
    case 'A_ArrayExpr':
      return `ARRAY[${list('elements')}]`;
    case 'A_Indirection':
      return nodes('indirection').reduce((base, step) => {
        const indices = step['A_Indices'];
        return indices ? `${base}[${write(indices['uidx'] as PgNode)}]` : `${base}.${identifier(step)}`;
      }, inner('arg'));
    case 'CaseExpr': {
      const whens = nodes('args').map(({ CaseWhen }) => {
        return `WHEN ${write(CaseWhen!['expr'] as PgNode)} THEN ${write(CaseWhen!['result'] as PgNode)}`;
      });
      const operand = fields['arg'] ? [inner('arg')] : [];
      return ['CASE', ...operand, ...whens, ...(fields['defresult'] ? [`ELSE ${inner('defresult')}`] : []), 'END'].join(
        ' ',
      );
    }
    default:
      throw new Error(`the oracle's printer does not know ${kind}`);
  }
}

const text = (node: PgNode): string => String(node['String']!['sval']);

const identifier = (node: PgNode): string =>
  /^[a-z_]+$/.test(text(node)) ? text(node) : `"${text(node).replaceAll('"', '""')}"`;

function constant(fields: PgFields): string {
  const of = (kind: string, otherwise: string): string =>
    String(((fields[kind] as PgFields)[kind] as string | number | undefined) ?? otherwise);
  if (fields['isnull']) return 'NULL';
  if (fields['ival']) return of('ival', '0');
  if (fields['fval']) return of('fval', '0');
  if (fields['boolval']) return of('boolval', 'false').toUpperCase();
  return `'${of('sval', '').replaceAll("'", "''")}'`;
}

function operation(fields: PgFields, inner: (field: string) => string, name: string): string {
  const items = (): readonly string[] =>
    (fields['rexpr'] as { List: { items: readonly PgNode[] } }).List.items.map(write);
  switch (fields['kind']) {
    case 'AEXPR_OP':
      return fields['lexpr'] ? `(${inner('lexpr')} ${name} ${inner('rexpr')})` : `(${name}${inner('rexpr')})`;
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return `(${inner('lexpr')} ${name} ${items().join(' AND ')})`;
    case 'AEXPR_IN':
      return `(${inner('lexpr')} ${name === '=' ? '' : 'NOT '}IN (${items().join(', ')}))`;
    case 'AEXPR_LIKE': {
      const not = name === '~~' ? '' : 'NOT ';
      return `(${inner('lexpr')} ${not}LIKE ${inner('rexpr')})`;
    }
    case 'AEXPR_DISTINCT':
      return `(${inner('lexpr')} IS DISTINCT FROM ${inner('rexpr')})`;
    case 'AEXPR_NOT_DISTINCT':
      return `(${inner('lexpr')} IS NOT DISTINCT FROM ${inner('rexpr')})`;
    case 'AEXPR_NULLIF':
      return `NULLIF(${inner('lexpr')}, ${inner('rexpr')})`;
    default:
      throw new Error(`the oracle's printer does not know ${String(fields['kind'])}`);
  }
}

/** Every subquery of these tests is SELECT 1. */
function subquery(fields: PgFields, inner: (field: string) => string, operator: string): string {
  switch (fields['subLinkType']) {
    case 'EXISTS_SUBLINK':
      return 'EXISTS (SELECT 1)';
    case 'EXPR_SUBLINK':
      return '(SELECT 1)';
    case 'ALL_SUBLINK':
      return `(${inner('testexpr')} ${operator} ALL (SELECT 1))`;
    default:
      return `(${inner('testexpr')} ${operator === '' ? 'IN' : `${operator} ANY`} (SELECT 1))`;
  }
}

function call(name: string, args: readonly string[]): string {
  if (name === 'pg_catalog.timezone') return `(${args[1]} AT TIME ZONE ${args[0]})`;
  if (name === 'pg_catalog.like_escape') return `${args[0]} ESCAPE ${args[1]}`;
  if (name === 'pg_catalog.extract') return `EXTRACT(${args[0]!.slice(1, -1).toUpperCase()} FROM ${args[1]})`;
  return `${name}(${args.join(', ')})`;
}
