#!/usr/bin/env node
/** Arguments → the module that does the work. Modules are loaded when their command runs, so that each starts quickly. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';

const program = new Command('tutti')
  .description('A distributed SQL warehouse: the same code on a laptop and on a cluster.')
  .showHelpAfterError('(tutti --help shows the commands)')
  .configureHelp({ showGlobalOptions: true });

program
  .command('query')
  .description('Run statements and print their results')
  .argument('[sql]', 'one or more statements with semicolons between them; without it they are read from stdin')
  .option('--url <url>', 'server to ask', process.env.TUTTI_URL)
  .option('--user <name>', 'name to run as')
  .option('--catalog <name>', 'catalog of unqualified names')
  .option('--schema <name>', 'schema of unqualified names')
  .option('--session <name=value...>', 'session properties')
  .option('--format <format>', 'table, csv, json (one object a line), markdown or arrow', 'table')
  .option('--file <path>', 'read the statements from a file')
  .action(async (sql: string | undefined, options: QueryOptions) => {
    const [{ runQueries }, { connect }, { formatNamed }, { processConsole, readAll }, { UsageFailure }] =
      await Promise.all([
        import('./src/client/query.ts'),
        import('./src/client/connect.ts'),
        import('./src/client/formats/formats.ts'),
        import('./src/client/console.ts'),
        import('./src/client/failures.ts'),
      ]);
    const format = formatNamed(options.format);
    if (sql !== undefined && options.file !== undefined) throw new UsageFailure('give the SQL or --file, not both');
    if (sql === undefined && options.file === undefined && process.stdin.isTTY) {
      throw new UsageFailure('no SQL given. Try: tutti query "SELECT 1"');
    }
    const text =
      sql ?? (options.file === undefined ? await readAll(process.stdin) : await readFile(options.file, 'utf8'));
    if (options.url === undefined) throw new UsageFailure('name the server: --url http://localhost:8080');
    const client = connect(options.url, {
      ...options,
      properties: options.session,
      password: process.env.TUTTI_PASSWORD,
    });
    try {
      process.exitCode = await runQueries(client, text, format, processConsole);
    } finally {
      client.close();
    }
  });

program
  .command('repl', { isDefault: true, hidden: true })
  .description('Ask questions interactively')
  .option('--url <url>', 'server to ask', process.env.TUTTI_URL)
  .option('--user <name>', 'name to run as')
  .option('--catalog <name>', 'catalog of unqualified names')
  .option('--schema <name>', 'schema of unqualified names')
  .option('--session <name=value...>', 'session properties')
  .action(async (options: QueryOptions) => {
    const [{ runRepl }, { connect }, { processConsole }, { UsageFailure }] = await Promise.all([
      import('./src/client/repl/repl.ts'),
      import('./src/client/connect.ts'),
      import('./src/client/console.ts'),
      import('./src/client/failures.ts'),
    ]);
    if (options.url === undefined) throw new UsageFailure('name the server: --url http://localhost:8080');
    const client = connect(options.url, {
      ...options,
      properties: options.session,
      password: process.env.TUTTI_PASSWORD,
    });
    try {
      await runRepl(client, processConsole, { banner: ['Type SQL that ends with ; or \\? for help.'] });
    } finally {
      client.close();
    }
  });

type QueryOptions = {
  readonly url?: string;
  readonly user?: string;
  readonly catalog?: string;
  readonly schema?: string;
  readonly session?: string[];
  readonly format: string;
  readonly file?: string;
};

try {
  await program.parseAsync();
} catch (problem) {
  const [{ errorText }, { processConsole, styleFor }] = await Promise.all([
    import('./src/client/error-text.ts'),
    import('./src/client/console.ts'),
  ]);
  process.stderr.write(`${errorText(problem, undefined, styleFor(process.stderr, processConsole))}\n`);
  process.exitCode = 1;
}
