import { setImmediate } from 'node:timers/promises';
import { assert } from '../../common/assert.ts';
import { QueryError } from '../../common/errors.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import type { Distribution } from './distributions.ts';
import { RandomStream } from './random-stream.ts';

/**
 * The text from which every comment is cut: 300 MiB of sentences from one stream of random numbers, the same for every
 * scale. A comment may begin anywhere in it, so it has to exist whole before the first row does. It takes 1.4 s to make,
 * which every process that generates does for itself, rather than leave 300 MB on every disk.
 */
export async function generateTextPool(): Promise<Buffer> {
  const writer = new TextWriter(TEXT_POOL_BYTES);
  while (!writer.advance(SLICE_BYTES)) await setImmediate();
  return writer.text();
}

/** dbgen's size; offsets are drawn from it, so another size gives other rows. */
export const TEXT_POOL_BYTES = 300 * 1024 * 1024;

/** What readers may read, never use, past the end of the text: copies go by 8 bytes. */
export const TEXT_SLACK_BYTES = 8;

/** Written without a pause for the rest of the process: some 20 ms. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** Keeps the pool while it is used, and for a moment after: the next split comes soon or not for long. */
export class SharedTextPool {
  #pool: Promise<Buffer> | undefined;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Every call is followed by one of `release`, whether it succeeds or not. */
  acquire(): Promise<Buffer> {
    clearTimeout(this.#timer);
    this.#users += 1;
    this.#pool ??= generateTextPool().catch((problem: unknown) => {
      this.#pool = undefined;
      throw problem;
    });
    return this.#pool;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#timer = setTimeout(() => (this.#pool = undefined), POOL_IDLE_MS).unref();
  }
}

const POOL_IDLE_MS = 10_000;

const POOL_SEED = 933588178;
/** Longer than any sentence (at most 17 words), so that the last one ends inside the buffer. */
const SENTENCE_BYTES_MAX = 512;

/** One word kind: what a draw appends, cut into 8-byte pieces so that a word costs one to three stores. */
type Words = { readonly draws: number; readonly lengths: Uint8Array; readonly pieces: Float64Array };

/** Pieces a word may have. The longest entry ("should have to ") takes two. */
const PIECES_MAX = 3;

class TextWriter {
  private readonly grammars: readonly string[];
  private readonly nounPhrases: readonly string[];
  private readonly verbPhrases: readonly string[];
  private readonly prepositions: Words;
  private readonly terminators: Words;
  private readonly nouns: Words;
  private readonly verbs: Words;
  private readonly adjectives: Words;
  private readonly adverbs: Words;
  private readonly auxiliaries: Words;
  private readonly random = new RandomStream(POOL_SEED, 0, 0);
  private readonly buffer: Buffer;
  private readonly target: DataView;
  private readonly bytes: number;
  private at = 0;

  constructor(bytes: number) {
    const from = DISTRIBUTIONS;
    this.bytes = bytes;
    this.buffer = allocate(bytes + SENTENCE_BYTES_MAX);
    this.target = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.byteLength);
    this.grammars = syntaxes(from.grammars);
    this.nounPhrases = syntaxes(from.nounPhrases);
    this.verbPhrases = syntaxes(from.verbPhrases);
    this.prepositions = words(from.prepositions, ' the ');
    this.terminators = words(from.terminators, ' ');
    this.nouns = words(from.nouns, ' ');
    this.verbs = words(from.verbs, ' ');
    this.adjectives = words(from.adjectives, ' ');
    this.adverbs = words(from.adverbs, ' ');
    this.auxiliaries = words(from.auxiliaries, ' ');
  }

  /** Writes about `bytes` more; true when all is written. */
  advance(bytes: number): boolean {
    const end = Math.min(this.at + bytes, this.bytes);
    while (this.at < end) this.sentence();
    return this.at >= this.bytes;
  }

  text(): Buffer {
    return this.buffer.subarray(0, this.bytes + TEXT_SLACK_BYTES);
  }

  private sentence(): void {
    const syntax = this.grammars[this.random.next(0, this.grammars.length - 1)]!;
    for (let i = 0; i < syntax.length; i++) {
      switch (syntax.charCodeAt(i)) {
        case VERB:
          this.verbPhrase();
          break;
        case NOUN:
          this.nounPhrase();
          break;
        case PREPOSITION:
          this.word(this.prepositions);
          this.nounPhrase();
          break;
        default:
          // A terminator abuts the word before it.
          this.at -= 1;
          this.word(this.terminators);
      }
    }
  }

  private verbPhrase(): void {
    const syntax = this.verbPhrases[this.random.next(0, this.verbPhrases.length - 1)]!;
    for (let i = 0; i < syntax.length; i++) {
      const token = syntax.charCodeAt(i);
      this.word(token === VERB ? this.verbs : token === ADVERB ? this.adverbs : this.auxiliaries);
    }
  }

  private nounPhrase(): void {
    const syntax = this.nounPhrases[this.random.next(0, this.nounPhrases.length - 1)]!;
    for (let i = 0; i < syntax.length; i++) {
      const token = syntax.charCodeAt(i);
      if (token === COMMA) {
        this.target.setUint16(this.at - 1, COMMA_SPACE);
        this.at += 1;
      } else {
        this.word(token === NOUN ? this.nouns : token === ADJECTIVE ? this.adjectives : this.adverbs);
      }
    }
  }

  private word(from: Words): void {
    const drawn = this.random.next(0, from.draws - 1);
    const length = from.lengths[drawn]!;
    const piece = drawn * PIECES_MAX;
    // ASCII bytes never spell a NaN, so doubles carry them unchanged.
    this.target.setFloat64(this.at, from.pieces[piece]!, true);
    if (length > 8) this.target.setFloat64(this.at + 8, from.pieces[piece + 1]!, true);
    if (length > 16) this.target.setFloat64(this.at + 16, from.pieces[piece + 2]!, true);
    this.at += length;
  }
}

function allocate(bytes: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(bytes);
  } catch (problem) {
    throw new QueryError(
      'EXCEEDED_LOCAL_MEMORY_LIMIT',
      'Generating TPC-H rows takes 300 MB beside the kernel: give the worker more memory',
      undefined,
      { cause: problem },
    );
  }
}

const NOUN = 'N'.charCodeAt(0);
const VERB = 'V'.charCodeAt(0);
const PREPOSITION = 'P'.charCodeAt(0);
const ADJECTIVE = 'J'.charCodeAt(0);
const ADVERB = 'D'.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const COMMA_SPACE = (COMMA << 8) | ' '.charCodeAt(0);

/** One syntax for every unit of weight, its tokens without the blanks between them. */
function syntaxes(from: Distribution): string[] {
  return Array.from(from.draws, (index) => from.values[index]!.replaceAll(' ', ''));
}

/** Everything is stored once for each unit of weight, so that a draw is an index. */
function words(from: Distribution, suffix: string): Words {
  const pieces = Buffer.alloc(from.draws.length * PIECES_MAX * 8);
  const lengths = new Uint8Array(from.draws.length);
  from.draws.forEach((index, draw) => {
    const text = from.values[index]! + suffix;
    assert(text.length <= PIECES_MAX * 8, `"${text}" fits into its pieces`);
    pieces.write(text, draw * PIECES_MAX * 8, 'latin1');
    lengths[draw] = text.length;
  });
  return {
    draws: from.draws.length,
    lengths,
    pieces: Float64Array.from({ length: from.draws.length * PIECES_MAX }, (_, i) => pieces.readDoubleLE(i * 8)),
  };
}
