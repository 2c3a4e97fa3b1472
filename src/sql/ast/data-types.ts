/** Types as they are written. */

import type { Identifier, IntervalQualifier } from './expressions.ts';
import type { Node } from './node.ts';

export type DataType = GenericDataType | RowDataType | DateTimeDataType | IntervalDataType;
/** `decimal(10, 2)`, `array(bigint)` (also written `bigint ARRAY`), `map(varchar, double)`; DOUBLE PRECISION is `double`. */
export type GenericDataType = Node<'GenericDataType'> & {
  readonly name: Identifier;
  readonly arguments: readonly TypeArgument[];
};
export type TypeArgument = NumericTypeArgument | DataType;
export type NumericTypeArgument = Node<'NumericTypeArgument'> & { readonly text: string };
export type RowDataType = Node<'RowDataType'> & {
  readonly fields: readonly { readonly name?: Identifier; readonly type: DataType }[];
};
/** `precision` may be a type variable in a function's signature, hence TypeArgument. */
export type DateTimeDataType = Node<'DateTimeDataType'> & {
  readonly type: 'TIME' | 'TIMESTAMP';
  readonly withTimeZone: boolean;
  readonly precision?: TypeArgument;
};
export type IntervalDataType = Node<'IntervalDataType'> & IntervalQualifier;
