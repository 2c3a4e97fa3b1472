/** A failure as a person reads it: what is wrong, the line of the statement it is about, and a caret under the place. */
import { AssertionError } from '../common/assert.ts';
import { DataFolderError } from '../filestore/datanode/folder-errors.ts';
import { displayWidth, graphemes, printable } from './display-width.ts';
import { ConnectionFailure, StatementFailure, UsageFailure } from './failures.ts';
import type { Style } from './style.ts';

export function errorText(problem: unknown, sql: string | undefined, paint: Style, width = WIDTH_DEFAULT): string {
  if (problem instanceof StatementFailure) {
    const code = paint.dim(`(${problem.code})`);
    const lines = [`${paint.red('error:')} ${printable(problem.message)} ${code}`];
    if (problem.location && sql !== undefined) {
      const { line, column } = problem.location;
      const text = sql.split('\n')[line - 1];
      if (text !== undefined) lines.push(...pointAt(text, column - 1, line, width, paint));
    }
    return lines.join('\n');
  }
  if (problem instanceof ConnectionFailure || problem instanceof UsageFailure) {
    return `${paint.red('error:')} ${problem.message}`;
  }
  if (problem instanceof DataFolderError) {
    return `${paint.red('error:')} ${problem.message} ${paint.dim(`(${problem.code})`)}`;
  }
  const error = problem instanceof Error ? problem : new Error(String(problem));
  const ours = error instanceof AssertionError || error instanceof TypeError || error instanceof RangeError;
  return `${paint.red('error:')} ${(ours && error.stack) || error.message}`;
}

/** The line with its number, and the caret below; a long line is cut around the place. */
function pointAt(text: string, offset: number, number: number, width: number, paint: Style): string[] {
  const gutter = `${String(number).padStart(4)} │ `;
  const room = Math.max(20, width - gutter.length - 2);
  let before = clean(text.slice(0, offset));
  let after = clean(text.slice(offset));
  const keepBefore = Math.max(Math.floor(room / 2), room - displayWidth(after));
  if (displayWidth(before) > keepBefore) before = `…${lastColumns(before, keepBefore - 1)}`;
  const keepAfter = room - displayWidth(before);
  if (displayWidth(after) > keepAfter) after = `${firstColumns(after, keepAfter - 1)}…`;
  const blank = ' '.repeat(gutter.length - 2);
  return [
    `${paint.dim(gutter)}${before}${after}`,
    `${paint.dim(`${blank}│ `)}${' '.repeat(displayWidth(before))}${paint.red('^')}`,
  ];
}

const clean = (text: string): string => printable(text.replaceAll('\t', '  ').replaceAll('\r', ''));

function firstColumns(text: string, columns: number): string {
  let used = 0;
  let kept = '';
  for (const grapheme of graphemes(text)) {
    used += grapheme.width;
    if (used > columns) break;
    kept += grapheme.text;
  }
  return kept;
}

function lastColumns(text: string, columns: number): string {
  let used = 0;
  let kept = '';
  for (const grapheme of graphemes(text).toReversed()) {
    used += grapheme.width;
    if (used > columns) break;
    kept = grapheme.text + kept;
  }
  return kept;
}

const WIDTH_DEFAULT = 120;
