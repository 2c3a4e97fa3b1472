/** VALUES: rows of expressions, each column brought to one type. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { commonType } from '../../types/coercion.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import type { Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer } from './expression-analyzer.ts';
import type { Scope } from './scope.ts';

export function analyzeValues(context: AnalyzerContext, node: ast.Values, base: Scope): AnalyzedSource {
  const place = { name: 'VALUES clause', aggregates: false, windows: false };
  const analyzer = new ExpressionAnalyzer(context, base, place);
  const rows = node.rows.map((row) => columnsOf(analyzer, row));
  const types: SqlType[] = rows[0]!.map((cell) => cell.type);
  for (const [r, row] of rows.entries()) {
    if (row.length !== types.length) {
      throw new QueryError(
        'TYPE_MISMATCH',
        `Values rows have mismatched sizes: ${types.length} vs ${row.length}`,
        node.rows[r]!.location,
      );
    }
    for (const [c, cell] of row.entries()) {
      const type = commonType(types[c]!, cell.type);
      if (!type) {
        throw new QueryError(
          'TYPE_MISMATCH',
          `Values rows have mismatched types: ${typeName(types[c]!)} vs ${typeName(cell.type)}`,
          node.rows[r]!.location,
        );
      }
      types[c] = type;
    }
  }
  const symbols = types.map((type) => context.symbols.newSymbol('field', type));
  return {
    relation: { kind: 'values', symbols, rows: rows.map((row) => row.map((cell, c) => coerce(cell, types[c]!))) },
    fields: symbols.map((symbol) => ({ symbol })),
  };
}

/** The cells of `(1, 2)`, of a single value, or of an expression that is a row. */
function columnsOf(analyzer: ExpressionAnalyzer, row: ast.Expression): readonly Expression[] {
  const value = analyzer.analyze(row);
  if (value.kind === 'Row') return value.fields;
  if (value.type.kind !== 'row') return [value];
  return value.type.fields.map((field, index) => ({ kind: 'Field', type: field.type, base: value, index }));
}
