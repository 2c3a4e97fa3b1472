/** The REPL's own commands, which begin with a backslash: each a line of help and what it does. */
import { nearest } from '../../common/errors.ts';
import { UsageFailure } from '../failures.ts';

export type CommandContext = {
  /** Runs statements as if they had been typed. */
  run(sql: string): Promise<void>;
  runFile(path: string): Promise<void>;
  print(text: string): Promise<void>;
  use(target: string): Promise<void>;
  toggleTiming(): string;
  setFormat(name: string): string;
  setPaging(on: boolean): void;
  toggleBlocks(): string;
  history(): readonly string[];
  sessionText(): string;
  quit(): void;
};

type Command = {
  readonly names: readonly string[];
  readonly argument?: string;
  readonly help: string;
  run(context: CommandContext, argument: string): Promise<void> | void;
};

export const COMMANDS: readonly Command[] = [
  { names: ['?', 'help', 'h'], help: 'this help', run: (context) => context.print(helpText()) },
  { names: ['q', 'quit'], help: 'leave (Ctrl-D too)', run: (context) => context.quit() },
  { names: ['l'], help: 'list catalogs', run: (context) => context.run('SHOW CATALOGS') },
  {
    names: ['dn'],
    argument: '[catalog]',
    help: 'list schemas',
    run: (context, catalog) => context.run(`SHOW SCHEMAS${catalog && ` FROM ${catalog}`}`),
  },
  {
    names: ['dt'],
    argument: '[schema]',
    help: 'list tables',
    run: (context, schema) => context.run(`SHOW TABLES${schema && ` FROM ${schema}`}`),
  },
  {
    names: ['d'],
    argument: '[table]',
    help: 'columns of a table; without one, list tables',
    run: (context, table) => context.run(table ? `SHOW COLUMNS FROM ${table}` : 'SHOW TABLES'),
  },
  {
    names: ['df'],
    argument: '[name]',
    help: 'list functions whose name contains a text',
    run: (context, name) => context.run(`SHOW FUNCTIONS${name && ` LIKE '%${name.replaceAll("'", "''")}%'`}`),
  },
  {
    names: ['c', 'use'],
    argument: 'catalog[.schema]',
    help: 'set where unqualified names are looked up',
    run: (context, target) => context.use(target),
  },
  {
    names: ['format', 'f'],
    argument: 'table|csv|json|markdown',
    help: 'choose how results are shown',
    run: (context, name) => context.print(context.setFormat(name)),
  },
  {
    names: ['timing'],
    help: 'show or hide rows and time below answers',
    run: (context) => context.print(context.toggleTiming()),
  },
  {
    names: ['x'],
    help: 'show each row as a block of lines, or not',
    run: (context) => context.print(context.toggleBlocks()),
  },
  {
    names: ['pager'],
    argument: 'on|off',
    help: 'page long results or not',
    run: (context, argument) => {
      if (argument !== 'on' && argument !== 'off') throw new UsageFailure('write \\pager on or \\pager off');
      context.setPaging(argument === 'on');
    },
  },
  {
    names: ['i'],
    argument: 'file',
    help: 'run the statements of a file',
    run: (context, path) => context.runFile(needed(path, 'i file')),
  },
  {
    names: ['history', 's'],
    argument: '[text]',
    help: 'list what was typed before',
    run: (context, wanted) => {
      const found = context.history().filter((entry) => entry.includes(wanted));
      return context.print(found.slice(-HISTORY_SHOWN_MAX).join('\n'));
    },
  },
  {
    names: ['session'],
    help: 'show user, catalog, schema and session properties',
    run: (context) => context.print(context.sessionText()),
  },
];

const HISTORY_SHOWN_MAX = 100;

/** Runs a line that begins with a backslash. */
export async function runCommand(line: string, context: CommandContext): Promise<void> {
  // psql's habit of a semicolon at the end does no harm.
  const [, name = '', rest = ''] = /^\\(\S*)\s*(.*)$/s.exec(line.trim().replace(/\s*;$/, '')) ?? [];
  const command = COMMANDS.find(({ names }) => names.includes(name.toLowerCase()));
  if (command) return command.run(context, rest.trim());
  const near = nearest(
    name,
    COMMANDS.flatMap(({ names }) => names),
  );
  throw new UsageFailure(`there is no command \\${name}${near ? `; did you mean \\${near}?` : '.'} \\? lists them.`);
}

function needed(argument: string, usage: string): string {
  if (argument) return argument;
  throw new UsageFailure(`write \\${usage}`);
}

function helpText(): string {
  const lines = COMMANDS.map(({ names, argument, help }) => {
    const usage = `${names.map((name) => `\\${name}`).join(', ')} ${argument ?? ''}`.trimEnd();
    return `  ${usage.padEnd(34)} ${help}`;
  });
  return [
    'Statements end with a semicolon and may have many lines. Several can be pasted at once.',
    '',
    ...lines,
    '',
    '  Tab         complete keywords, functions, catalogs, schemas, tables, columns',
    '  Up, Down    earlier statements          Ctrl-R  search them',
    '  Ctrl-C      cancel the running query, or clear what is typed',
    '  Alt-Enter   a new line, also after a semicolon',
    '  Ctrl-W/K/U  delete word / to the end / to the start; Ctrl-Y brings it back, Ctrl-Z undoes',
    '',
    'First steps: \\l, then \\use demo.air, \\dt, \\d flights, SELECT * FROM flights LIMIT 10;',
  ].join('\n');
}
