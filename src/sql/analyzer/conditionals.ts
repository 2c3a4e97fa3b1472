/** CASE in both forms, IF and NULLIF. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { commonType, commonTypeOf, isComparable } from '../../types/coercion.ts';
import { type SqlType, typeName, UNKNOWN } from '../../types/type.ts';
import type { Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { nullOf } from './literals.ts';

export function simpleCase(analyzer: ExpressionAnalyzer, node: ast.SimpleCase): Expression {
  const operand = analyzer.analyze(node.operand);
  const whens = node.whenClauses.map((when) => analyzer.analyze(withCaseOperand(when.operand, node.operand)));
  const { results, otherwise, type } = caseResults(analyzer, node.whenClauses, node.defaultValue, node.location);
  if (node.whenClauses.some((when) => usesCaseOperand(when.operand))) {
    const branches = whens.map((when, i) => {
      const clause = node.whenClauses[i]!;
      const test = usesCaseOperand(clause.operand) ? when : analyzer.compare('=', operand, when, clause.location);
      return { when: test, result: results[i]! };
    });
    return { kind: 'Case', type, branches, otherwise };
  }
  const compared = commonTypeOf([operand.type, ...whens.map((when) => when.type)]);
  if (!compared) {
    const clash = whens.findIndex((when) => !commonType(operand.type, when.type));
    const [first, second] = [typeName(operand.type), typeName(whens[Math.max(clash, 0)]!.type)];
    throw new QueryError(
      'TYPE_MISMATCH',
      `CASE operand type does not match WHEN clause operand type: ${first} vs ${second}`,
      node.whenClauses[Math.max(clash, 0)]!.operand.location,
    );
  }
  const branches = whens.map((when, i) => ({ when: coerce(when, compared), result: results[i]! }));
  return { kind: 'Switch', type, operand: coerce(operand, compared), branches, otherwise };
}

export function searchedCase(analyzer: ExpressionAnalyzer, node: ast.SearchedCase): Expression {
  const whens = node.whenClauses.map((when) => analyzer.condition(when.operand, 'CASE WHEN clause'));
  const { results, otherwise, type } = caseResults(analyzer, node.whenClauses, node.defaultValue, node.location);
  return { kind: 'Case', type, branches: whens.map((when, i) => ({ when, result: results[i]! })), otherwise };
}

function caseResults(
  analyzer: ExpressionAnalyzer,
  whens: readonly ast.WhenClause[],
  defaultValue: ast.Expression | undefined,
  location: SourceLocation,
): { readonly results: readonly Expression[]; readonly otherwise: Expression; readonly type: SqlType } {
  const results = whens.map((when) => analyzer.analyze(when.result));
  const otherwise = defaultValue ? analyzer.analyze(defaultValue) : nullOf(UNKNOWN);
  const type = analyzer.common([...results, otherwise], location, 'All CASE results');
  return { results: results.map((result) => coerce(result, type)), otherwise: coerce(otherwise, type), type };
}

export function nullIf(analyzer: ExpressionAnalyzer, node: ast.NullIf): Expression {
  const [first, second] = [analyzer.analyze(node.first), analyzer.analyze(node.second)];
  const type = commonType(first.type, second.type);
  if (!type || !isComparable(type)) {
    const names = [typeName(first.type), typeName(second.type)];
    throw new QueryError(
      'TYPE_MISMATCH',
      `Types are not comparable with NULLIF: ${names[0]} vs ${names[1]}`,
      node.location,
    );
  }
  return { kind: 'NullIf', type: first.type, first, second, comparisonType: type };
}

export function ifThen(analyzer: ExpressionAnalyzer, node: ast.If): Expression {
  const when = analyzer.condition(node.condition, 'IF condition');
  const result = analyzer.analyze(node.trueValue);
  const otherwise = node.falseValue ? analyzer.analyze(node.falseValue) : nullOf(UNKNOWN);
  const type = analyzer.common([result, otherwise], node.location, 'Result types for IF');
  return {
    kind: 'Case',
    type,
    branches: [{ when, result: coerce(result, type) }],
    otherwise: coerce(otherwise, type),
  };
}

/** Whether the WHEN operand is a predicate about the CASE's operand, as in `CASE x WHEN > 5`. */
const usesCaseOperand = (node: ast.Expression): boolean => withCaseOperand(node, node) !== node;

/** The predicate with the CASE's operand where it stands for it: at its left end. */
function withCaseOperand(node: ast.Expression, operand: ast.Expression): ast.Expression {
  if (node.kind === 'CaseOperand') return operand;
  if (node.kind === 'Comparison' || node.kind === 'IsDistinctFrom') {
    const left = withCaseOperand(node.left, operand);
    return left === node.left ? node : { ...node, left };
  }
  if (!('value' in node) || typeof node.value !== 'object') return node;
  const value = withCaseOperand(node.value, operand);
  return value === node.value ? node : { ...node, value };
}
