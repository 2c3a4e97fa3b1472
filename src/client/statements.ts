/** Cuts text into statements at their semicolons, as the lexer sees them: not inside strings, names or comments. */
import { Scanner } from '../sql/lexer.ts';

export type StatementText = {
  /** Without its semicolon and the blanks around it. */
  readonly text: string;
  /** Offset of `text` in what was cut. */
  readonly start: number;
  /** Whether a semicolon ends it. Without one, more may follow. */
  readonly terminated: boolean;
};

/** The statements of `sql`; pieces of blanks and comments alone are none. */
export function splitStatements(sql: string): StatementText[] {
  const scanner = new Scanner(sql);
  const found: StatementText[] = [];
  let start = -1;
  for (;;) {
    const type = scanner.next();
    if (type === ';' || type === 'eof') {
      if (start >= 0) {
        found.push({ text: sql.slice(start, scanner.start).trimEnd(), start, terminated: type === ';' });
      }
      start = -1;
      if (type === 'eof') return found;
    } else if (type !== 'comment' && start < 0) {
      start = scanner.start;
    }
  }
}

/** Whether the text ends inside a string, a quoted name or a comment. */
export function endsInside(sql: string): boolean {
  const scanner = new Scanner(sql);
  for (;;) {
    const type = scanner.next();
    if (!scanner.closed) return true;
    if (type === 'eof') return false;
  }
}
