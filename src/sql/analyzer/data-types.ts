/** The SQL type that a type in the syntax tree names. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { type TypeParameter, typeFromSignature } from '../../types/parse-type.ts';
import type { RowField, SqlType } from '../../types/type.ts';

export function dataType(type: ast.DataType): SqlType {
  try {
    return convert(type);
  } catch (problem) {
    if (!(problem instanceof QueryError) || problem.location) throw problem;
    throw new QueryError(problem.code, problem.message, type.location, { cause: problem });
  }
}

function convert(type: ast.DataType): SqlType {
  switch (type.kind) {
    case 'GenericDataType':
      return typeFromSignature(type.name.value, type.arguments.map(parameter));
    case 'RowDataType':
      return { kind: 'row', fields: type.fields.map(rowField) };
    case 'DateTimeDataType': {
      const name = `${type.type}${type.withTimeZone ? ' with time zone' : ''}`;
      return typeFromSignature(name, type.precision ? [parameter(type.precision)] : []);
    }
    case 'IntervalDataType':
      return { kind: ['YEAR', 'MONTH'].includes(type.from) ? 'interval year to month' : 'interval day to second' };
  }
}

const parameter = (argument: ast.TypeArgument): TypeParameter =>
  argument.kind === 'NumericTypeArgument' ? Number(argument.text) : dataType(argument);

const rowField = (field: { readonly name?: ast.Identifier; readonly type: ast.DataType }): RowField =>
  field.name ? { name: fieldName(field.name), type: dataType(field.type) } : { type: dataType(field.type) };

/** Row fields keep the case of quoted names and are lower case otherwise. */
const fieldName = (name: ast.Identifier): string => (name.quoted ? name.value : name.value.toLowerCase());
