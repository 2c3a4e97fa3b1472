/** What a terminal shows after the characters written to it: the few control sequences that the client uses. */
import { displayWidth } from '../../src/client/display-width.ts';

export class TerminalScreen {
  readonly #columns: number;
  readonly #rows: number;
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  write(text: string): this {
    for (const [token] of text.matchAll(TOKEN)) {
      if (token.startsWith('\u001b')) this.#control(token);
      else if (token === '\r') this.#column = 0;
      else if (token === '\n') this.#newline();
      else this.#put(token);
    }
    return this;
  }

  /** The lines, without blanks at their ends and without empty lines at the end. */
  text(): string {
    return this.#lines
      .map((line) => Array.from(line, (cell) => cell ?? ' ').join(''))
      .join('\n')
      .replace(/[^\S\n]+\n/g, '\n')
      .replace(/\n+$/, '');
  }

  #put(character: string): void {
    const width = displayWidth(character);
    if (this.#column + width > this.#columns) this.#newline();
    this.#lines[this.#row]![this.#column] = character;
    for (let extra = 1; extra < width; extra++) this.#lines[this.#row]![this.#column + extra] = '';
    this.#column += width;
  }

  /** A terminal's driver turns a newline into both. */
  #newline(): void {
    this.#column = 0;
    this.#row++;
    if (this.#row >= this.#rows) throw new RangeError('the test screen is full');
    this.#lines[this.#row] ??= [];
  }

  #control(sequence: string): void {
    const count = Number(/\d+/.exec(sequence)?.[0] ?? 1);
    const kind = sequence.at(-1);
    if (kind === 'A') this.#row -= count;
    else if (kind === 'B') this.#row += count;
    else if (kind === 'C') this.#column += count;
    else if (kind === 'K') this.#lines[this.#row]!.length = Math.min(this.#lines[this.#row]!.length, this.#column);
    else if (kind === 'J') {
      this.#lines.length = this.#row + 1;
      this.#lines[this.#row]!.length = Math.min(this.#lines[this.#row]!.length, this.#column);
    } else if (kind !== 'm' && kind !== 'h' && kind !== 'l')
      throw new RangeError(`unknown sequence ${sequence.slice(1)}`);
  }
}

/* A control sequence or one character. */
const TOKEN = new RegExp(String.raw`\u001b\[[?0-9;]*[A-Za-z]|[^]`, 'gu');
