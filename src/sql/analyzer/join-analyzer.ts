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
  const right = context.analyzeRelation(node.right, base, new Scope(left.fields, { parent: lateral }));
  const type = node.type === 'CROSS' || node.type === 'IMPLICIT' ? 'INNER' : node.type;
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
