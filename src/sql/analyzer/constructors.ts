/** Values made of others: rows, arrays, and values of another type. */

import { QueryError } from '../../common/errors.ts';
import { castAllowed } from '../../types/coercion.ts';
import { type RowField, typeName } from '../../types/type.ts';
import type * as ast from '../ast.ts';
import type { Expression } from '../expression.ts';
import { coerce } from './coerce.ts';
import { dataType } from './data-types.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { nullOf } from './literals.ts';

export function row(analyzer: ExpressionAnalyzer, node: ast.Row): Expression {
  const fields = node.fields.map((field) => analyzer.analyze(field.expression));
  const types = node.fields.map((field, i): RowField => {
    const type = fields[i]!.type;
    return field.name
      ? { name: field.name.quoted ? field.name.value : field.name.value.toLowerCase(), type }
      : { type };
  });
  return { kind: 'Row', type: { kind: 'row', fields: types }, fields };
}

export function arrayOf(analyzer: ExpressionAnalyzer, node: ast.ArrayConstructor): Expression {
  const elements = node.elements.map((element) => analyzer.analyze(element));
  const element = analyzer.common(elements, node.location, 'All ARRAY elements');
  return { kind: 'Array', type: { kind: 'array', element }, elements: elements.map((e) => coerce(e, element)) };
}

export function castTo(analyzer: ExpressionAnalyzer, node: ast.Cast): Expression {
  const type = dataType(node.type);
  const argument = analyzer.analyze(node.value);
  if (!castAllowed(argument.type, type)) {
    throw new QueryError('TYPE_MISMATCH', `Cannot cast ${typeName(argument.type)} to ${typeName(type)}`, node.location);
  }
  if (argument.kind === 'Constant' && argument.value === null) return nullOf(type);
  return { kind: 'Cast', type, argument, safe: node.safe };
}
