/** `(start, end) OVERLAPS (start, end)`, where an end may be a length and the two may stand in either order. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { commonType } from '../../types/coercion.ts';
import { BOOLEAN, typeName } from '../../types/type.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { not } from './predicates.ts';

const MOMENTS: ReadonlySet<string> = new Set([
  'date',
  'time',
  'time with time zone',
  'timestamp',
  'timestamp with time zone',
]);

export function overlaps(analyzer: ExpressionAnalyzer, node: ast.Overlaps): Expression {
  const left = period(analyzer, node.left);
  const right = period(analyzer, node.right);
  const type = commonType(left.start.type, right.start.type);
  const whole = type && commonType(commonType(type, left.end.type) ?? type, right.end.type);
  if (!whole || ![left.end, right.end].every((end) => commonType(end.type, whole))) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `Cannot apply OVERLAPS to ${typeName(left.start.type)} and ${typeName(right.start.type)}`,
      node.location,
    );
  }
  const compare = (operator: ComparisonOperator, a: Expression, b: Expression): Expression =>
    analyzer.compare(operator, coerce(a, whole), coerce(b, whole), node.location);
  const [a, b] = [left, right].map((side) => ordered(side, compare));
  const { start: s1, end: e1 } = a!;
  const { start: s2, end: e2 } = b!;
  return or([
    and([compare('>', s1, s2), not(and([compare('>=', s1, e2), compare('>=', e1, e2)]))]),
    and([compare('>', s2, s1), not(and([compare('>=', s2, e1), compare('>=', e2, e1)]))]),
    and([compare('=', s1, s2), or([compare('<>', e1, e2), compare('=', e1, e2)])]),
  ]);
}

type Period = { readonly start: Expression; readonly end: Expression };

function period(analyzer: ExpressionAnalyzer, node: ast.Expression): Period {
  if (node.kind !== 'Row' || node.fields.length !== 2) {
    throw new QueryError('TYPE_MISMATCH', 'OVERLAPS operand must be a row of two elements', node.location);
  }
  const [start, end] = node.fields.map((field) => analyzer.analyze(field.expression));
  requireMoment(start!, node.location);
  if (!end!.type.kind.startsWith('interval')) return { start: start!, end: end! };
  return { start: start!, end: analyzer.operate('+', [start!, end!], node.location) };
}

function requireMoment({ type }: Expression, location: SourceLocation): void {
  if (MOMENTS.has(type.kind)) return;
  throw new QueryError(
    'TYPE_MISMATCH',
    `OVERLAPS period start must be a datetime: actual type ${typeName(type)}`,
    location,
  );
}

/** The earlier end first; a NULL start takes the other's place. */
function ordered(
  { start, end }: Period,
  compare: (operator: ComparisonOperator, a: Expression, b: Expression) => Expression,
): Period {
  const swapped = or([{ kind: 'IsNull', type: BOOLEAN, argument: start }, compare('<', end, start)]);
  const type = commonType(start.type, end.type) ?? start.type;
  const choose = (yes: Expression, no: Expression): Expression => ({
    kind: 'Case',
    type,
    branches: [{ when: swapped, result: coerce(yes, type) }],
    otherwise: coerce(no, type),
  });
  return { start: choose(end, start), end: choose(start, end) };
}

const and = (terms: readonly Expression[]): Expression => ({ kind: 'Logical', type: BOOLEAN, operator: 'AND', terms });
const or = (terms: readonly Expression[]): Expression => ({ kind: 'Logical', type: BOOLEAN, operator: 'OR', terms });
