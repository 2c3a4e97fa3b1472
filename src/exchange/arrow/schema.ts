/** The columns of a result as Arrow describes them: the first message of an Arrow stream. `docs/types.md` has the table. */

import {
  type DataType,
  Binary,
  Bool,
  DateDay,
  Decimal,
  DurationMillisecond,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  IntervalMonthDayNano,
  List,
  Map_,
  Null,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimeMicrosecond,
  Timestamp,
  TimeUnit,
  Utf8,
} from 'apache-arrow';
import { QueryError } from '../../common/errors.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import { ARROW_END_OF_STREAM } from './framing.ts';

export type ArrowColumn = { readonly name: string; readonly type: SqlType };

/** The schema message, with its prefix and padding. Record batches follow it, then `ARROW_END_OF_STREAM`. */
export function arrowSchemaMessage(columns: readonly ArrowColumn[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, arrowSchema(columns));
  const stream = writer.finish().toUint8Array(true);
  return stream.subarray(0, stream.length - ARROW_END_OF_STREAM.length);
}

/** Arrow knows fewer types than SQL, so each column carries the name of its SQL type as metadata. */
const arrowSchema = (columns: readonly ArrowColumn[]): Schema =>
  new Schema(
    columns.map(({ name, type }) => new Field(name, arrowType(type), true, new Map([['sql_type', typeName(type)]]))),
  );

function arrowType(type: SqlType): DataType {
  switch (type.kind) {
    case 'boolean':
      return new Bool();
    case 'tinyint':
      return new Int8();
    case 'smallint':
      return new Int16();
    case 'integer':
      return new Int32();
    case 'bigint':
      return new Int64();
    case 'real':
      return new Float32();
    case 'double':
      return new Float64();
    case 'decimal':
      return new Decimal(type.scale, type.precision, DECIMAL_BITS);
    case 'varchar':
    case 'char':
    case 'json':
    case 'uuid':
    case 'ipaddress':
    case 'time with time zone':
      return new Utf8();
    case 'varbinary':
      return new Binary();
    case 'date':
      return new DateDay();
    case 'time':
      return new TimeMicrosecond();
    case 'timestamp':
      return new Timestamp(timestampUnit(type.precision), null);
    case 'timestamp with time zone':
      return new Timestamp(timestampUnit(type.precision), 'UTC');
    case 'interval year to month':
      return new IntervalMonthDayNano();
    case 'interval day to second':
      return new DurationMillisecond();
    case 'array':
      return new List(new Field('item', arrowType(type.element), true));
    case 'map': {
      const entry = [new Field('key', arrowType(type.key), false), new Field('value', arrowType(type.value), true)];
      return new Map_(new Field('entries', new Struct<{ key: DataType; value: DataType }>(entry), false));
    }
    case 'row':
      return new Struct(
        type.fields.map((field, i) => new Field(field.name ?? `field${i}`, arrowType(field.type), true)),
      );
    case 'unknown':
      return new Null();
    case 'function':
      throw new QueryError('NOT_SUPPORTED', 'A lambda is not a value: pass it to a function');
  }
}

const DECIMAL_BITS = 128;

/** As the kernel keeps them: microseconds, or nanoseconds where more digits are asked for. */
const timestampUnit = (precision: number): TimeUnit => (precision > 6 ? TimeUnit.NANOSECOND : TimeUnit.MICROSECOND);
