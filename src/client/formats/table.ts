/**
 * Aligned columns for people: widths as a terminal shows them, numbers to the right, NULL told apart from the text NULL
 * by its colour. A table wider than the terminal first wraps its widest texts; where that does not help, each row becomes
 * a block of lines. Rows are held back until enough are seen to choose the widths, never all of them.
 */
import { isNumeric, signatureOf } from '../column-kind.ts';
import { displayWidth, graphemes, padEndToWidth, padStartToWidth, printable } from '../display-width.ts';
import { style } from '../style.ts';
import { type Cell, readCells } from './cells.ts';
import type { ResultFormat, ResultWriter } from './format.ts';

/** Rows that decide the widths, then rows written at once: a page of result is about as many. */
const BATCH_ROWS_MAX = 10_000;

export const table: ResultFormat = (columns, options) => {
  const types = columns.map(signatureOf);
  const right = types.map(isNumeric);
  const names = columns.map(({ name }) => oneLine(name));
  const paint = style(options.colours);
  let widths: number[] = names.map(displayWidth);
  let pending: Cell[][] = [];
  let started = false;
  let rowNumber = 0;

  const flush = (): string => {
    const rows = pending;
    pending = [];
    for (const row of rows) {
      for (const [index, cell] of row.entries()) {
        for (const text of cellLines(cell)) widths[index] = Math.max(widths[index]!, displayWidth(text));
      }
    }
    // A plan or a definition has its own lines, which wrapping would spoil.
    const whole = columns.length === 1 && rows.some(([cell]) => cell?.includes('\n'));
    const fitted = started || whole || options.width === undefined ? widths : fitWidths(widths, right, options.width);
    if (fitted === undefined || vertical) {
      vertical = true;
      return rows.map((row) => record(row, ++rowNumber)).join('');
    }
    let text = '';
    if (!started) text += `${header(fitted)}\n${rule(fitted)}\n`;
    widths = fitted;
    started = true;
    for (const row of rows) text += line(row, fitted);
    return text;
  };
  let vertical = options.blocks === true;

  const bar = options.unicode ? '│' : '|';
  const joint = paint.dim(` ${bar} `);
  const header = (to: readonly number[]): string =>
    ` ${names.map((name, index) => paint.bold(align(name, to[index]!, right[index]!))).join(joint)}`.trimEnd();
  const rule = (to: readonly number[]): string =>
    paint.dim(
      to
        .map((width) => (options.unicode ? '─' : '-').repeat(Math.min(width + 2, options.width ?? Infinity)))
        .join(options.unicode ? '┼' : '+'),
    );

  const line = (row: readonly Cell[], to: readonly number[]): string => {
    const cells = row.map((cell, index) => wrap(cell, to[index]!, options.width !== undefined));
    const height = Math.max(1, ...cells.map((lines) => lines.length));
    let text = '';
    for (let part = 0; part < height; part++) {
      const parts = row.map((cell, index) => {
        const aligned = align(cells[index]![part] ?? '', to[index]!, right[index]!);
        return cell === null ? paint.dim(aligned) : aligned;
      });
      text += ` ${parts.join(joint)}`.trimEnd() + '\n';
    }
    return text;
  };

  const record = (row: readonly Cell[], number: number): string => {
    const width = Math.max(...names.map(displayWidth));
    const title = `${options.unicode ? '─' : '-'}[ row ${number} ]`;
    const lines = row.map((cell, index) => {
      const value = cell === null ? paint.dim('NULL') : cellLines(cell).join(`\n ${' '.repeat(width)} ${bar} `);
      return ` ${paint.bold(padEndToWidth(names[index]!, width))} ${paint.dim(bar)} ${value}\n`;
    });
    const dashes = (options.unicode ? '─' : '-').repeat(Math.max(3, Math.min(options.width ?? 40, 40) - title.length));
    return `${paint.dim(title + dashes)}\n${lines.join('')}`;
  };

  const writer: ResultWriter = {
    count: 0,
    rows(rows) {
      let text = '';
      for (const cells of readCells(rows, types)) {
        pending.push(cells);
        writer.count++;
        if (pending.length >= BATCH_ROWS_MAX) text += flush();
      }
      return Buffer.from(text);
    },
    end: () => Buffer.from(flush()),
  };
  return writer;
};

const align = (text: string, width: number, right: boolean): string =>
  right ? padStartToWidth(text, width) : padEndToWidth(text, width);

const oneLine = (text: string): string => printable(text).replace(/[\n\t]/g, ' ');

function cellLines(cell: Cell): string[] {
  if (cell === null) return ['NULL'];
  if (!/[\n\t\r]/.test(cell)) return [printable(cell)];
  return cell
    .replace(/\n$/, '')
    .split(/\r\n|\n/)
    .map((text) => printable(text.replaceAll('\t', '    ')));
}

/** The lines of a cell, cut so that none is wider than `width`; at blanks where there are some. */
function wrap(cell: Cell, width: number, cut: boolean): string[] {
  const lines = cellLines(cell);
  if (!cut || lines.every((text) => displayWidth(text) <= width)) return lines;
  return lines.flatMap((text) => wrapLine(text, width));
}

function wrapLine(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    if (used + grapheme.width > width && line !== '') {
      const blank = line.lastIndexOf(' ');
      const keep = blank > line.length / 2 && grapheme.text !== ' ' ? line.slice(blank + 1) : '';
      lines.push(keep === '' ? line.trimEnd() : line.slice(0, blank));
      line = keep;
      used = displayWidth(keep);
      if (grapheme.text === ' ' && line === '') continue;
    }
    line += grapheme.text;
    used += grapheme.width;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** Numbers and names are never cut; texts shrink, the widest first, to no less than this. */
const TEXT_WIDTH_MIN = 16;

/** Widths that fit into `total` columns, or undefined where not even wrapped texts do. */
function fitWidths(widths: readonly number[], right: readonly boolean[], total: number): number[] | undefined {
  const room = total - 3 * widths.length + 1;
  const fitted = [...widths];
  for (let over = sum(fitted) - room; over > 0; over = sum(fitted) - room) {
    const texts = fitted.map((width, index) => (right[index] ? 0 : width));
    const widest = Math.max(...texts);
    if (widest <= TEXT_WIDTH_MIN) return undefined;
    const next = Math.max(TEXT_WIDTH_MIN, ...texts.filter((width) => width < widest));
    const shrinking = texts.filter((width) => width === widest).length;
    const step = Math.max(1, Math.min(widest - next, Math.ceil(over / shrinking)));
    for (const [index, width] of texts.entries()) if (width === widest) fitted[index] = width - step;
  }
  return fitted;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
