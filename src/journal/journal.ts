/**
 * A journal makes a state durable: one immutable value that only records change. What a record and the state are belongs to the room
 * that owns them; the journal knows how they are written. The file journal (`file-journal.ts`) is one implementation.
 */

/** What the owner passes in. All of it is pure: no clock, no randomness, no I/O. */
export type StateMachine<State, Record> = {
  readonly initial: State;
  /** Must not fail: what can be refused is refused before it becomes a record. */
  readonly apply: (state: State, record: Record) => State;
  /** At most RECORD_BYTES_MAX. */
  readonly encode: (record: Record) => Uint8Array;
  /** `bytes` lies in a buffer that is used again: what the record keeps of it must be copied. */
  readonly decode: (bytes: Uint8Array) => Record;
  /**
   * The state in slices of at most SLICE_BYTES_MAX. Each is made when it is asked for and takes a few milliseconds: between two
   * slices the process serves others.
   */
  readonly slices: (state: State) => Iterable<Uint8Array>;
  /** Takes the slices in their order. */
  readonly reader: () => StateReader<State>;
};

export type StateReader<State> = {
  /** `slice` lies in a buffer that is used again. */
  readonly add: (slice: Uint8Array) => void;
  readonly finish: () => State;
};

/** Near what etcd takes; a longer list is staged as a durable file that the record names. */
export const RECORD_BYTES_MAX = 2 ** 20;

export const SLICE_BYTES_MAX = 2 ** 20;

/** A place in the history: records count from 1; the epoch rises with every open, so that two writers never share one. */
export type Position = { readonly epoch: number; readonly sequence: number };

export type Entry<Record> = { readonly position: Position; readonly record: Record };

export type Journal<State, Record> = {
  /** Of this history, in all its folders and at every open: what stands elsewhere on its account is bound to it. */
  readonly id: string;
  /** Of this open. Every record appended here carries it; a writer with a lower one is refused. */
  readonly epoch: number;
  /** After every durable record, and no other: reads are answered from it. */
  readonly durable: State;
  /** The sequence of the last record in `durable`. */
  readonly sequence: number;
  /** With the records in flight: new ones are decided on it. Decide and append with no await in between. */
  readonly tip: State;
  /**
   * Applies the record to `tip` before it returns, and resolves when it is durable. Rejects with a JournalError:
   * RECORD_TOO_LARGE: nothing happened.
   * JOURNAL_FULL: nothing happened, and `tip` is `durable` again: all records in flight were refused alike. Later ones may succeed.
   * JOURNAL_CLOSED: nothing happened.
   * JOURNAL_FAILED: nobody knows whether it happened; the port `fatal` was called, and the process has to end.
   */
  readonly append: (record: Record) => Promise<Position>;
  /** The durable records from sequence `from` to what is durable at the call. POSITION_NOT_KEPT when a checkpoint replaced some. */
  readonly replay: (from: number) => AsyncIterable<Entry<Record>>;
  /** Writes the durable state, after which the records before it may be forgotten. Returns what it holds. */
  readonly checkpoint: () => Promise<Position>;
  /** Waits for the records in flight. */
  readonly close: () => Promise<void>;
};
