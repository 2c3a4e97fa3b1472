/** Rows as the kernel holds them in memory, read in bulk: no value becomes a JavaScript value of its own. */

/** The functions of the kernel's package that give access to its memory. */
export type RawVectors = {
  data_chunk_get_size(chunk: unknown): number;
  data_chunk_get_vector(chunk: unknown, column: number): unknown;
  vector_get_data(vector: unknown, bytes: number): Uint8Array;
  vector_get_validity(vector: unknown, bytes: number): Uint8Array | null;
  list_vector_get_child(vector: unknown): unknown;
  list_vector_get_size(vector: unknown): number;
  struct_vector_get_child(vector: unknown, index: number): unknown;
  get_data_from_pointer(buffer: ArrayBufferLike, offset: number, bytes: number): Uint8Array;
};

/** A few thousand rows. */
export class Chunk {
  readonly rows: number;
  readonly #raw: RawVectors;
  readonly #chunk: unknown;
  readonly #columns: Vector[] = [];

  constructor(raw: RawVectors, chunk: unknown) {
    this.rows = raw.data_chunk_get_size(chunk);
    this.#raw = raw;
    this.#chunk = chunk;
  }

  column(index: number): Vector {
    const vector = (): Vector =>
      new Vector(this.#raw, this.#chunk, this.#raw.data_chunk_get_vector(this.#chunk, index), this.rows);
    return (this.#columns[index] ??= vector());
  }
}

/** One column of a chunk, or the elements or fields inside of one. Values that are NULL have any bytes. */
export class Vector {
  readonly count: number;
  readonly #raw: RawVectors;
  /** The chunk's memory is freed when nothing refers to it any more; vectors do not hold it by themselves. */
  readonly #owner: unknown;
  readonly #vector: unknown;
  #data: Uint8Array | undefined;
  #validity: Uint8Array | null | undefined;
  readonly #children: Vector[] = [];

  constructor(raw: RawVectors, owner: unknown, vector: unknown, count: number) {
    this.#raw = raw;
    this.#owner = owner;
    this.#vector = vector;
    this.count = count;
  }

  /** The values, `width` bytes each: a copy. Strings stand as 16 bytes, of which some may be a pointer. */
  data(width: number): Uint8Array {
    return (this.#data ??= this.count === 0 ? EMPTY : this.#raw.vector_get_data(this.#vector, this.count * width));
  }

  /** Bit i, lowest first, is set when value i is not NULL; undefined when none is NULL. */
  get validity(): Uint8Array | undefined {
    if (this.#validity === undefined) {
      const bytes = Math.ceil(this.count / 64) * 8;
      this.#validity = bytes === 0 ? null : this.#raw.vector_get_validity(this.#vector, bytes);
    }
    return this.#validity ?? undefined;
  }

  /** The elements of all lists. */
  elements(): Vector {
    const create = (): Vector => {
      const count = this.#raw.list_vector_get_size(this.#vector);
      return new Vector(this.#raw, this.#owner, this.#raw.list_vector_get_child(this.#vector), count);
    };
    return (this.#children[0] ??= create());
  }

  field(index: number): Vector {
    const create = (): Vector =>
      new Vector(this.#raw, this.#owner, this.#raw.struct_vector_get_child(this.#vector, index), this.count);
    return (this.#children[index] ??= create());
  }

  /** Bytes of the kernel's memory from where the pointer at offset `at` of `data` points to. */
  pointee(at: number, bytes: number): Uint8Array {
    const data = this.data(0);
    return this.#raw.get_data_from_pointer(data.buffer, data.byteOffset + at, bytes);
  }
}

const EMPTY = new Uint8Array(0);
