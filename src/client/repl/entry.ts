/**
 * What Enter sends: statements, and lines of their own that begin with a backslash. As in psql such a command is obeyed at
 * once, also in the middle of a statement, which goes on below it.
 */
import { splitStatements, tokenize } from '../../sql/script.ts';

export type Step = { readonly kind: 'command' | 'sql'; readonly text: string };

/** `rest` is the beginning of a statement that nothing ends yet. */
export type EntrySteps = { readonly steps: readonly Step[]; readonly rest: string };

export function stepsOf(text: string): EntrySteps {
  const steps: Step[] = [];
  let lines: string[] = [];
  const closeStatements = (): void => {
    const sql = lines.join('\n');
    if (!isFinished(sql)) return;
    if (sql.trim() !== '') steps.push({ kind: 'sql', text: sql });
    lines = [];
  };
  for (const line of text.split('\n')) {
    if (isCommand(line) && !isOpen(lines.join('\n'))) {
      closeStatements();
      steps.push({ kind: 'command', text: line.trim() });
    } else lines.push(line);
  }
  closeStatements();
  return { steps, rest: lines.join('\n') };
}

/** Whether Enter sends it: a command in its last line, a word that leaves or helps, nothing, or statements all ended. */
export function isComplete(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed === '' || LEAVING.test(trimmed) || HELP.test(trimmed)) return true;
  const { steps, rest } = stepsOf(text);
  return rest === '' || (isCommand(text.slice(text.lastIndexOf('\n') + 1)) && steps.at(-1)?.kind === 'command');
}

export const HELP = /^(?:help|\?)\s*;?$/i;
export const LEAVING = /^(?:exit|quit)\s*;?$/i;

const isCommand = (line: string): boolean => line.trimStart().startsWith('\\');

/** Cut off in a string, a quoted name or a comment. */
const isOpen = (sql: string): boolean => tokenize(sql).at(-1)?.open ?? false;

function isFinished(sql: string): boolean {
  if (isOpen(sql)) return false;
  const last = splitStatements(sql).at(-1);
  return last === undefined ? !/^\s*(--|\/\*)/.test(sql) : last.terminated;
}
