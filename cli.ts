#!/usr/bin/env node
/** Arguments → the module that does the work. Modules are loaded when their command runs, so that each starts quickly. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { ServerCommandOptions, WorkerCommandOptions } from './src/server/commands.ts';

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

const serverOptions = (command: Command): Command =>
  command
    .option('--host <host>', 'address for clients', '127.0.0.1')
    .option('--port <port>', 'port for clients; 0 = any free one', '8080')
    .option('--external-url <url>', 'what clients call the server behind a proxy')
    .option('--data <folder>', 'where exchange files, caches and the secret stand (default: ~/.tutti/data)')
    .option('--catalogs <folder>', 'folder of catalog files, one JSON file a catalog')
    .option('--insecure', 'let everyone who reaches a public address run statements');

serverOptions(program.command('server').description('Run a cluster on this machine: a coordinator and workers'))
  .option('--workers <count>', 'worker processes', '1')
  .option('--threads <count>', 'threads of each worker (default: the processors, shared out)')
  .option('--memory <size>', 'memory of all workers together, such as 8GB (default: 80 % of the machine)')
  .action(async (options: ServerCommandOptions) => {
    const { serverCommand } = await import('./src/server/commands.ts');
    await serverCommand(options);
  });

serverOptions(program.command('coordinator').description('Run a coordinator that workers of other machines join'))
  .option('--internal-host <host>', 'address for workers: closed to everyone without the secret')
  .option('--internal-port <port>', 'port for workers (default with --internal-host: 8081)')
  .action(async (options: ServerCommandOptions) => {
    const { coordinatorCommand } = await import('./src/server/commands.ts');
    await coordinatorCommand(options);
  });

program
  .command('worker')
  .description("Run a worker that joins a coordinator; needs the cluster's secret in TUTTI_SECRET or the data folder")
  .requiredOption('--coordinator <url>', 'where the coordinator listens for workers')
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--port <port>', 'port to listen on; 0 = any free one', '0')
  .option('--advertised-host <host>', 'what other machines call this one')
  .option('--node-id <name>', 'name in the cluster, the same at each start')
  .option('--threads <count>', 'threads (default: all processors)')
  .option('--memory <size>', 'memory, such as 8GB (default: 80 % of the machine)')
  .option('--data <folder>', 'where exchange files and caches stand (default: ~/.tutti/data)')
  .action(async (options: WorkerCommandOptions) => {
    const { workerCommand } = await import('./src/server/commands.ts');
    await workerCommand(options);
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
