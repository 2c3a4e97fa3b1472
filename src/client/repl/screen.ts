/** Draws the text being edited with its prompt, colours and cursor, and draws it again in the same place. */
import { stripVTControlCharacters } from 'node:util';
import { displayWidth, graphemes, printable } from '../display-width.ts';
import type { Style } from '../style.ts';
import { painter, type Span, spans } from './highlight.ts';

export type Prompt = {
  /** Before the first line, and before each further one. Same width. */
  readonly first: string;
  readonly more: string;
};

export type Drawing = {
  readonly prompt: Prompt;
  readonly text: string;
  readonly cursor: number;
  /** Lines below the text, such as completions. */
  readonly below?: readonly string[];
};

export type ScreenTerminal = {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
};

export class Screen {
  readonly #terminal: ScreenTerminal;
  readonly #paint: Style;
  /** Columns taken by the lines drawn down to the cursor: of whole lines, and of the last up to the cursor. */
  #widthsToCursor: readonly number[] = [0];
  #rowsBelow = 0;

  constructor(terminal: ScreenTerminal, paint: Style) {
    this.#terminal = terminal;
    this.#paint = paint;
  }

  draw({ prompt, text, cursor, below = [] }: Drawing): void {
    const columns = this.#columns();
    const layout = layOut(prompt, text, cursor, columns, this.#paint);
    const [rows, row] = this.#window(layout.rows, layout.row);
    const lines = [...rows, ...below];
    let out = this.#toStart();
    out += lines.join('\r\n');
    const up = lines.length - 1 - row;
    if (up > 0) out += `\u001b[${up}A`;
    out += `\r${layout.column > 0 ? `\u001b[${layout.column}C` : ''}`;
    const above = rows.slice(0, row).map((line) => displayWidth(stripVTControlCharacters(line)));
    this.#widthsToCursor = [...above, layout.column];
    this.#rowsBelow = up;
    this.#terminal.write(`\u001b[?25l${out}\u001b[?25h`);
  }

  /** Leaves what is drawn and goes on below it. */
  leave(): void {
    const down = this.#rowsBelow > 0 ? `\u001b[${this.#rowsBelow}B` : '';
    this.#terminal.write(`${down}\r\n`);
    this.#widthsToCursor = [0];
    this.#rowsBelow = 0;
  }

  #columns(): number {
    return Math.max(20, this.#terminal.columns ?? 80);
  }

  #toStart(): string {
    const columns = this.#columns();
    // A terminal that became narrower has wrapped the lines that no longer fit.
    const wrapped = this.#widthsToCursor.map((width) => Math.max(0, Math.ceil(width / columns) - 1));
    const up = this.#widthsToCursor.length - 1 + wrapped.reduce((sum, count) => sum + count, 0);
    return `${up > 0 ? `\u001b[${up}A` : ''}\r\u001b[J`;
  }

  /** A text taller than the screen shows the part around the cursor: what scrolled away cannot be drawn again. */
  #window(rows: string[], row: number): [string[], number] {
    const height = Math.max(3, (this.#terminal.rows ?? 24) - ROWS_SPARED);
    if (rows.length <= height) return [rows, row];
    const start = Math.max(0, Math.min(row - Math.floor(height / 2), rows.length - height));
    return [rows.slice(start, start + height), row - start];
  }
}

/** Screen lines left to completions and the line before the prompt. */
const ROWS_SPARED = 6;
/** Longer texts are shown without colours, so that typing stays quick. */
const COLOURED_LENGTH_MAX = 20_000;

function layOut(
  prompt: Prompt,
  text: string,
  cursor: number,
  columns: number,
  paint: Style,
): { rows: string[]; row: number; column: number } {
  const rows: string[] = [];
  let row = 0;
  let column = 0;
  let offset = 0;
  const coloured = paint.colours && text.length <= COLOURED_LENGTH_MAX ? spans(text) : [];
  const indent = ' '.repeat(displayWidth(stripVTControlCharacters(prompt.more)));
  for (const line of text.split('\n')) {
    let current = rows.length === 0 ? prompt.first : prompt.more;
    let used = indent.length;
    const painted = new Painter(coloured, paint);
    for (const grapheme of graphemes(line)) {
      if (offset === cursor) [row, column] = [rows.length, used];
      const shown = grapheme.text === '\t' ? ' ' : printable(grapheme.text);
      const width = Math.max(1, grapheme.width);
      if (used + width >= columns) {
        rows.push(current + painted.flush());
        if (offset === cursor) [row, column] = [rows.length, indent.length];
        current = indent;
        used = indent.length;
      }
      painted.add(shown, offset);
      offset += grapheme.text.length;
      used += width;
    }
    if (offset === cursor) [row, column] = [rows.length, used];
    rows.push(current + painted.flush());
    offset += 1;
  }
  return { rows, row, column };
}

/** Collects neighbours of the same colour, so that each run is painted once. */
class Painter {
  readonly #spans: readonly Span[];
  readonly #paint: Style;
  #next = 0;
  #run = '';
  #runSpan: Span | undefined;
  #done = '';

  constructor(spans: readonly Span[], paint: Style) {
    this.#spans = spans;
    this.#paint = paint;
  }

  add(text: string, offset: number): void {
    while (this.#next < this.#spans.length && this.#spans[this.#next]!.end <= offset) this.#next++;
    const candidate = this.#spans[this.#next];
    const span = candidate && candidate.start <= offset ? candidate : undefined;
    if (span !== this.#runSpan) this.#endRun();
    this.#runSpan = span;
    this.#run += text;
  }

  flush(): string {
    this.#endRun();
    const done = this.#done;
    this.#done = '';
    return done;
  }

  #endRun(): void {
    this.#done += this.#runSpan ? painter(this.#runSpan.colour, this.#paint)(this.#run) : this.#run;
    this.#run = '';
  }
}
