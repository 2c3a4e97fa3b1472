/** Joins: ON, USING and NATURAL, and what the right side may see of the left. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { BOOLEAN } from '../../types/type.ts';
import { type Expression, reference, type Symbol } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer, type Place } from './expression-analyzer.ts';
import { comparisonType } from './predicates.ts';
import { type Field, Scope } from './scope.ts';

export function analyzeJoin(context: AnalyzerContext, node: ast.Join, base: Scope, lateral: Scope): AnalyzedSource {
  const left = context.analyzeRelation(node.left, base, lateral);
  const type = node.type === 'CROSS' || node.type === 'IMPLICIT' ? 'INNER' : node.type;
  const isLateral = looksLeft(node.right);
  // Where rows of the right side stand alone, only what is itself lateral may look to the left.
  const sees = isLateral || type === 'INNER' || type === 'LEFT';
  const rightScope = sees ? new Scope(left.fields, { parent: lateral }) : lateral;
  const right = context.analyzeRelation(node.right, base, rightScope);
  if (isLateral && (type === 'RIGHT' || type === 'FULL')) return perRow(context, node, type, left, right, base);
  const { criteria } = node;
  const sides = { kind: 'join', type, left: left.relation, right: right.relation } as const;
  if (!criteria) return { relation: { ...sides, merged: [] }, fields: [...left.fields, ...right.fields] };
  if (criteria.kind === 'JoinOn') {
    const fields = [...left.fields, ...right.fields];
    const place: Place = { name: 'JOIN clause', aggregates: false, windows: false };
    const analyzer = new ExpressionAnalyzer(context, new Scope(fields, { parent: base }), place);
    const condition = analyzer.condition(criteria.expression, 'JOIN ON clause');
    return { relation: { ...sides, condition, merged: [] }, fields };
  }
  const names = criteria.kind === 'JoinUsing' ? criteria.columns : commonNames(node, left.fields, right.fields);
  return mergeColumns(context, node, sides, left, right, names);
}

function looksLeft(relation: ast.Relation): boolean {
  if (relation.kind === 'AliasedRelation' || relation.kind === 'SampledRelation') return looksLeft(relation.relation);
  return relation.kind === 'Lateral' || relation.kind === 'Unnest' || relation.kind === 'Nearest';
}

/**
 * RIGHT and FULL JOIN LATERAL are, as in Trino, joins of each left row by itself with its own right rows: RIGHT keeps all of
 * these and makes the left columns NULL where the condition fails.
 */
function perRow(
  context: AnalyzerContext,
  node: ast.Join,
  type: 'RIGHT' | 'FULL',
  left: AnalyzedSource,
  right: AnalyzedSource,
  base: Scope,
): AnalyzedSource {
  const { criteria } = node;
  const relation = { kind: 'join', left: left.relation, right: right.relation, merged: [] } as const;
  const fields = [...left.fields, ...right.fields];
  if (criteria?.kind === 'JoinOn') {
    const place: Place = { name: 'JOIN clause', aggregates: false, windows: false };
    const analyzer = new ExpressionAnalyzer(context, new Scope(fields, { parent: base }), place);
    const condition = analyzer.condition(criteria.expression, 'JOIN ON clause');
    if (condition.kind === 'Constant' && condition.value === true) {
      return { relation: { ...relation, type: type === 'RIGHT' ? 'INNER' : 'LEFT' }, fields };
    }
    if (type === 'RIGHT' && node.right.kind !== 'Unnest') {
      const kept = left.fields.map((field) => {
        const symbol = context.symbols.newSymbol(field.name ?? 'expr', field.symbol.type);
        const branches = [{ when: condition, result: reference(field.symbol) }];
        const otherwise: Expression = { kind: 'Constant', type: symbol.type, value: null };
        return {
          field: { ...field, symbol },
          expression: { kind: 'Case', type: symbol.type, branches, otherwise } as const,
        };
      });
      const merged = kept.map(({ field, expression }) => ({ symbol: field.symbol, expression }));
      return {
        relation: { ...relation, type: 'INNER', merged },
        fields: [...kept.map(({ field }) => field), ...right.fields],
      };
    }
  }
  throw new QueryError(
    'NOT_SUPPORTED',
    `${type} JOIN involving LATERAL or UNNEST is only supported with condition ON TRUE`,
    node.location,
  );
}

type Sides = Pick<AnalyzedSource['relation'] & { kind: 'join' }, 'kind' | 'type' | 'left' | 'right'>;

/** USING: its columns come first, once and without a relation's name, then the rest of either side. */
function mergeColumns(
  context: AnalyzerContext,
  node: ast.Join,
  sides: Sides,
  left: AnalyzedSource,
  right: AnalyzedSource,
  names: readonly ast.Identifier[],
): AnalyzedSource {
  const used = new Set<Field>();
  const terms: Expression[] = [];
  const merged: { symbol: Symbol; expression: Expression }[] = [];
  const fields: Field[] = [];
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.value.toLowerCase())) {
      throw new QueryError(
        'DUPLICATE_COLUMN_NAME',
        `Column '${name.value}' appears multiple times in USING clause`,
        name.location,
      );
    }
    seen.add(name.value.toLowerCase());
    const leftField = side(left.fields, name, 'left');
    const rightField = side(right.fields, name, 'right');
    const common = comparisonType('=', leftField.symbol.type, rightField.symbol.type, node.location);
    const [a, b] = [leftField, rightField].map((field) => coerce(reference(field.symbol), common));
    terms.push({ kind: 'Comparison', type: BOOLEAN, operator: '=', left: a!, right: b! });
    // An inner or left join has the left value in every row, a right join the right one.
    const expression: Expression =
      sides.type === 'FULL'
        ? { kind: 'Coalesce', type: common, arguments: [a!, b!] }
        : sides.type === 'RIGHT'
          ? b!
          : a!;
    const symbol =
      expression.kind === 'Reference'
        ? { name: expression.name, type: expression.type }
        : context.symbols.newSymbol(name.value, common);
    if (expression.kind !== 'Reference') merged.push({ symbol, expression });
    fields.push({ name: leftField.name ?? name.value, symbol });
    used.add(leftField);
    used.add(rightField);
  }
  const rest = [...left.fields, ...right.fields].filter((field) => !used.has(field));
  const [first] = terms;
  const condition: Expression | undefined =
    terms.length > 1 ? { kind: 'Logical', type: BOOLEAN, operator: 'AND', terms } : first;
  return {
    relation: { ...sides, ...(condition && { condition }), merged },
    fields: [...fields, ...rest],
  };
}

function side(fields: readonly Field[], name: ast.Identifier, which: 'left' | 'right'): Field {
  const matches = fields.filter((field) => field.name?.toLowerCase() === name.value.toLowerCase());
  if (matches.length > 1) {
    throw new QueryError(
      'AMBIGUOUS_NAME',
      `Column '${name.value}' is ambiguous on the ${which} side of the join`,
      name.location,
    );
  }
  const [field] = matches;
  if (field) return field;
  throw new QueryError(
    'COLUMN_NOT_FOUND',
    `Column '${name.value}' is missing from ${which} side of join`,
    name.location,
  );
}

/** Names that both sides have, in the left side's order. */
function commonNames(node: ast.Join, left: readonly Field[], right: readonly Field[]): readonly ast.Identifier[] {
  const onRight = new Set(right.filter((field) => !field.hidden).map((field) => field.name?.toLowerCase()));
  const { location, start, end } = node;
  const names = new Set<string>();
  for (const field of left) {
    if (field.name !== undefined && !field.hidden && onRight.has(field.name.toLowerCase())) names.add(field.name);
  }
  return [...names].map((value) => ({ kind: 'Identifier', location, start, end, value, quoted: true }));
}
