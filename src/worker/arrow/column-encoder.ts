/** Gathers a column's values for a record batch, in Arrow's columnar format, out of the kernel's vectors. */

import type { FieldNode } from '../../exchange/arrow/framing.ts';
import type { SqlType } from '../../types/type.ts';
import type { Vector } from '../kernel/vector.ts';
import { BitBuffer, ByteBuffer, isSet } from './buffers.ts';
import { StringEncoder } from './string-encoder.ts';
import { Offsets, OFFSET_BYTES } from './offsets.ts';
import { Validity } from './validity.ts';

export interface ColumnEncoder {
  /** About how many bytes these values take. */
  measure(vector: Vector, start: number, count: number): number;
  append(vector: Vector, start: number, count: number): void;
  /** Adds what was gathered, in Arrow's order: parents before children, validity before values. */
  collect(nodes: FieldNode[], buffers: Uint8Array[]): void;
  /** Begins a new batch; what was collected is no longer valid. */
  clear(): void;
}

/** Expects vectors of what `arrowSql` makes of the type. */
export function columnEncoder(type: SqlType): ColumnEncoder {
  switch (type.kind) {
    case 'boolean':
      return new BooleanEncoder();
    case 'tinyint':
      return new FixedEncoder(1);
    case 'smallint':
      return new FixedEncoder(2);
    case 'integer':
    case 'real':
    case 'date':
      return new FixedEncoder(4);
    case 'bigint':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'timestamp with time zone':
    case 'interval day to second':
      return new FixedEncoder(8);
    case 'decimal':
    // Months, days and a fraction of the day: no interval of this type has the latter two, whose units differ.
    case 'interval year to month':
      return new FixedEncoder(16);
    case 'varchar':
    case 'char':
    case 'json':
    case 'uuid':
    case 'ipaddress':
    case 'time with time zone':
    case 'varbinary':
      return new StringEncoder();
    case 'array':
      return new ListEncoder(columnEncoder(type.element));
    case 'map':
      return new ListEncoder(new RowEncoder([columnEncoder(type.key), columnEncoder(type.value)]));
    case 'row':
      return new RowEncoder(type.fields.map((field) => columnEncoder(field.type)));
    case 'unknown':
    case 'function':
      return new NullEncoder();
  }
}

class FixedEncoder implements ColumnEncoder {
  readonly #width: number;
  readonly #validity = new Validity();
  readonly #values = new ByteBuffer();

  constructor(width: number) {
    this.#width = width;
  }

  measure(_vector: Vector, _start: number, count: number): number {
    return count * this.#width;
  }

  append(vector: Vector, start: number, count: number): void {
    const width = this.#width;
    const at = this.#values.length;
    this.#values.append(vector.data(width).subarray(start * width, (start + count) * width));
    // Nothing that the kernel left behind there goes out.
    for (const place of this.#validity.append(vector, start, count)) {
      this.#values.bytes.fill(0, at + place * width, at + (place + 1) * width);
    }
  }

  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    this.#validity.collect(nodes, buffers);
    buffers.push(this.#values.taken());
  }

  clear(): void {
    this.#validity.clear();
    this.#values.clear();
  }
}

class BooleanEncoder implements ColumnEncoder {
  readonly #validity = new Validity();
  readonly #values = new BitBuffer(false);

  measure(_vector: Vector, _start: number, count: number): number {
    return count / 8;
  }

  append(vector: Vector, start: number, count: number): void {
    const data = vector.data(1);
    const before = this.#values.length;
    this.#values.extend(count);
    for (let i = 0; i < count; i++) {
      if (data[start + i] === 1) this.#values.set(before + i);
    }
    for (const place of this.#validity.append(vector, start, count)) this.#values.unset(before + place);
  }

  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    this.#validity.collect(nodes, buffers);
    buffers.push(this.#values.taken());
  }

  clear(): void {
    this.#validity.clear();
    this.#values.clear();
  }
}

/** Arrays, and maps as arrays of their entries. */
class ListEncoder implements ColumnEncoder {
  readonly #elements: ColumnEncoder;
  readonly #validity = new Validity();
  readonly #offsets = new Offsets();

  constructor(elements: ColumnEncoder) {
    this.#elements = elements;
  }

  measure(vector: Vector, start: number, count: number): number {
    let bytes = count * OFFSET_BYTES;
    for (const [first, length] of runs(vector, start, count)) {
      bytes += this.#elements.measure(vector.elements(), first, length);
    }
    return bytes;
  }

  append(vector: Vector, start: number, count: number): void {
    this.#validity.append(vector, start, count);
    const entries = listEntries(vector);
    const { validity } = vector;
    const offsets = this.#offsets.extend(count);
    let end = this.#offsets.end;
    for (let i = 0; i < count; i++) {
      if (!validity || isSet(validity, start + i)) end += entries[(start + i) * 4 + 2]!;
      offsets[i] = end;
    }
    this.#offsets.end = end;
    for (const [first, length] of runs(vector, start, count)) this.#elements.append(vector.elements(), first, length);
  }

  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    this.#validity.collect(nodes, buffers);
    buffers.push(this.#offsets.taken());
    this.#elements.collect(nodes, buffers);
  }

  clear(): void {
    this.#validity.clear();
    this.#elements.clear();
    this.#offsets.clear();
  }
}

/** First element and length of each list, eight bytes each, of which the upper four are zero. */
function listEntries(vector: Vector): Uint32Array {
  const data = vector.data(16);
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** The elements of lists that are not NULL, lists whose elements stand behind each other together. */
function* runs(vector: Vector, start: number, count: number): Generator<readonly [first: number, length: number]> {
  const entries = listEntries(vector);
  const { validity } = vector;
  let first = 0;
  let length = 0;
  for (let i = start; i < start + count; i++) {
    if (validity && !isSet(validity, i)) continue;
    const at = entries[i * 4]!;
    const more = entries[i * 4 + 2]!;
    if (more === 0) continue;
    if (at === first + length) {
      length += more;
      continue;
    }
    if (length > 0) yield [first, length];
    first = at;
    length = more;
  }
  if (length > 0) yield [first, length];
}

class RowEncoder implements ColumnEncoder {
  readonly #fields: readonly ColumnEncoder[];
  readonly #validity = new Validity();

  constructor(fields: readonly ColumnEncoder[]) {
    this.#fields = fields;
  }

  measure(vector: Vector, start: number, count: number): number {
    return this.#fields.reduce((bytes, field, i) => bytes + field.measure(vector.field(i), start, count), 0);
  }

  append(vector: Vector, start: number, count: number): void {
    this.#validity.append(vector, start, count);
    this.#fields.forEach((field, i) => field.append(vector.field(i), start, count));
  }

  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    this.#validity.collect(nodes, buffers);
    for (const field of this.#fields) field.collect(nodes, buffers);
  }

  clear(): void {
    this.#validity.clear();
    for (const field of this.#fields) field.clear();
  }
}

/** Arrow's null type has a length and no bytes. */
class NullEncoder implements ColumnEncoder {
  #length = 0;

  measure(): number {
    return 0;
  }

  append(_vector: Vector, _start: number, count: number): void {
    this.#length += count;
  }

  collect(nodes: FieldNode[]): void {
    nodes.push({ length: this.#length, nulls: this.#length });
  }

  clear(): void {
    this.#length = 0;
  }
}
