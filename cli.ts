#!/usr/bin/env node
/** Arguments → the module that does the work. Modules are loaded when their command runs, so that each starts quickly. */
import { Command } from 'commander';
import type { ProtocolClient } from './src/client/protocol-client.ts';
import type { FsCommandOptions } from './src/client/fs/fs-command.ts';
import type { ServerCommandOptions, TpchCommandOptions, WorkerCommandOptions } from './src/server/commands.ts';

const program = new Command('tutti')
  .description('A distributed SQL warehouse: the same code on a laptop and on a cluster.')
  .showHelpAfterError('(add --help for the options)')
  .option('-V, --version', 'print the version')
  .hook('preSubcommand', async (command) => {
    if (command.opts().version !== true) return;
    const { version } = await import('./src/server/package-folder.ts');
    process.stdout.write(`${version()}\n`);
    process.exit(0);
  })
  .addHelpText(
    'after',
    `
Examples:
  tutti                            a prompt on a cluster of its own: tutti repl --help has its options
  tutti demo                       see it work
  tutti query "SELECT 1"           an answer, and gone again
  tutti server --workers 3         a server on http://127.0.0.1:8080
  tutti --url localhost:8080       a prompt on that server

Environment: TUTTI_URL, TUTTI_PASSWORD (clients), TUTTI_SECRET, TUTTI_DATA, TUTTI_LOG (servers), TUTTI_HISTORY, TUTTI_PAGER (prompt).`,
  )
  .enablePositionalOptions();

const collect = (value: string, before: string[] = []): string[] => [...before, value];

const dataOption = (command: Command): Command =>
  command.option(
    '--data <folder>',
    'where exchange files, caches and the secret stand (default: $TUTTI_DATA, else ~/.tutti/data)',
  );
const catalogsOption = (command: Command): Command =>
  command.option(
    '--catalogs <folder>',
    'folder of catalog files, one JSON file a catalog (default: the one Tutti comes with)',
  );
const workersOptions = (command: Command): Command =>
  command
    .option('--workers <count>', 'worker processes (default: 1)')
    .option('--threads <count>', 'threads of each worker (default: the processors, shared out)')
    .option('--memory <size>', 'memory of all workers together, such as 8GB (default: 80 % of the machine)');

/** Of the commands that ask a server, or start a cluster for themselves. */
const clientOptions = (command: Command): Command => {
  command
    .option('--url <url>', 'server to ask (default: $TUTTI_URL, else a cluster of its own)')
    .option('--user <name>', 'name to run as (default: your login name)')
    .option('--catalog <name>', 'catalog of unqualified names')
    .option('--schema <name>', 'schema of unqualified names')
    .option('--session <name=value>', 'a session property; may be repeated', collect);
  return command;
};

/** Behind a command's other options. */
const ownClusterOptions = (command: Command): Command =>
  workersOptions(catalogsOption(dataOption(command.optionsGroup('Of a cluster of its own (no --url):'))));

ownClusterOptions(clientOptions(program.command('repl', { isDefault: true })))
  .description('Ask questions at a prompt; also what happens without a command')
  .addHelpText(
    'after',
    '\nExamples:\n  tutti\n  tutti --catalogs ./catalog\n  tutti --url localhost:8080 --catalog demo --schema air',
  )
  .allowExcessArguments()
  .action(async (options: ClientArguments, { args }: Command) => {
    if (args[0] !== undefined) throw await notThere(args[0]);
    if (!process.stdin.isTTY) return query(undefined, { ...options, format: 'table' });
    const { runRepl } = await import('./src/client/repl/repl.ts');
    const { processConsole } = await import('./src/client/console.ts');
    return withClient(options, async (client, what) => {
      // Other servers, and other folders of catalogs, have no demo.
      const hasDemo = serverOf(options) === undefined && options.catalogs === undefined;
      const first = hasDemo ? 'Try: SELECT * FROM demo.air.flights LIMIT 5;' : '\\l lists the catalogs.';
      const banner = [what, `SQL ends with a semicolon; \\? is help, \\q leaves. ${first}`, ''];
      await runRepl(client, processConsole, { banner });
    });
  });

ownClusterOptions(
  clientOptions(
    program
      .command('query')
      .description('Run statements and print their results')
      .argument('[sql]', 'one or more statements with semicolons between them; without it they are read from stdin')
      .option('--format <format>', 'table, csv, json (one object a line), markdown or arrow', 'table')
      .option('--file <path>', 'read the statements from a file'),
  ),
)
  .addHelpText(
    'after',
    `
Examples:
  tutti query "SELECT count(*) FROM demo.air.flights"
  tutti query --url localhost:8080 --format csv --file report.sql > report.csv
  echo "USE tpch.tiny; SELECT count(*) FROM orders" | tutti query`,
  )
  .action(query);

dataOption(program.command('demo'))
  .description('Start a coordinator and three workers, ask four questions, then open a prompt')
  .action(async ({ data }: { readonly data?: string }) => {
    const { checkDemoFiles } = await import('./src/server/demo-files.ts');
    checkDemoFiles();
    const { runDemo } = await import('./src/client/demo.ts');
    const { processConsole } = await import('./src/client/console.ts');
    await withOwnCluster({ workers: '3', ...(data !== undefined && { data }) }, {}, async (client, what) => {
      process.stdout.write(`${what}\n`);
      process.exitCode = await runDemo(client, processConsole);
      if (!process.stdin.isTTY || !process.stdout.isTTY || process.exitCode !== 0) return;
      const { runRepl } = await import('./src/client/repl/repl.ts');
      await runRepl(client, processConsole, {
        banner: ['', 'Your turn: SQL that ends with ; or \\? for help, \\q to leave.', ''],
      });
    });
  });

const serverOptions = (command: Command): Command => {
  command
    .option('--host <host>', 'address for clients', '127.0.0.1')
    .option('--port <port>', 'port for clients; 0 = any free one', '8080')
    .option('--external-url <url>', 'what clients call the server behind a proxy')
    .option('--insecure', 'let everyone who reaches a public address run statements');
  return catalogsOption(dataOption(command));
};

const STORE_OPTIONS = {
  none: ['--no-store', "keep no files of the cluster's own"],
  journal: ['--journal-dir <folder...>', "where the file store's journal stands; each of several holds all of it"],
  trash: ['--trash <time>', 'how long files that tutti fs -rm has removed can be taken back; 0: not at all', '24h'],
  folders: ['--store-dir <folder...>', 'where blocks of files stand, best one folder a disk; one may fail'],
  webhdfs: ['--webhdfs', 'serve files over WebHDFS to whoever reaches the port, as the user that they say'],
} as const;

workersOptions(serverOptions(program.command('server')))
  .option(...STORE_OPTIONS.none)
  .option(...STORE_OPTIONS.journal)
  .option(...STORE_OPTIONS.folders)
  .option(...STORE_OPTIONS.trash)
  .option(...STORE_OPTIONS.webhdfs)
  .description('Run a cluster on this machine: a coordinator and workers')
  .addHelpText('after', '\nExample:\n  tutti server --port 8080 --workers 3 --memory 8GB --catalogs ./catalog')
  .action(async (options: ServerCommandOptions) => {
    const { serverCommand } = await import('./src/server/commands.ts');
    await serverCommand(options);
  });

serverOptions(program.command('coordinator'))
  .description('Run a coordinator that workers of other machines join')
  .option('--internal-host <host>', 'address for workers: closed to everyone without the secret')
  .option('--internal-port <port>', 'port for workers (default with --internal-host: 8081)')
  .option(...STORE_OPTIONS.none)
  .option(...STORE_OPTIONS.journal)
  .option(...STORE_OPTIONS.trash)
  .option(...STORE_OPTIONS.webhdfs)
  .addHelpText('after', '\nExample:\n  TUTTI_SECRET=… tutti coordinator --port 8080 --internal-port 8081')
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
  .option('--rack <name>', 'where the machine stands: replicas of files are spread over racks', '/default-rack')
  .option(...STORE_OPTIONS.none)
  .option(...STORE_OPTIONS.folders)
  .option('--node-id <name>', 'name in the cluster, the same at each start')
  .option('--threads <count>', 'threads (default: all processors)')
  .option('--memory <size>', 'memory, such as 8GB (default: 80 % of the machine)')
  .option('--data <folder>', 'where exchange files and caches stand (default: $TUTTI_DATA, else ~/.tutti/data)')
  .addHelpText(
    'after',
    '\nExample:\n  TUTTI_SECRET=… tutti worker --coordinator http://first:8081 --host 0.0.0.0 --advertised-host second',
  )
  .action(async (options: WorkerCommandOptions) => {
    const { workerCommand } = await import('./src/server/commands.ts');
    await workerCommand(options);
  });

program
  .command('fs')
  .description("Commands on the cluster's file store, as in hdfs dfs: -ls, -put, -get, …; -help lists them")
  .option('--url <url>', 'coordinator to ask (default: $TUTTI_URL, else http://127.0.0.1:8080)')
  .option(
    '--data <folder>',
    "where the cluster's secret stands unless TUTTI_SECRET has it (default: $TUTTI_DATA, else ~/.tutti/data)",
  )
  .argument('[words...]', 'the command and its paths')
  .allowUnknownOption()
  .passThroughOptions()
  // -h is an option of -ls and others.
  .helpOption('--help', 'display help for command')
  .addHelpText('after', '\nExample:\n  tutti fs -mkdir /air\n  tutti fs -put flights.parquet /air/flights.parquet')
  .action(async (words: string[], options: FsCommandOptions) => {
    const { fsCommand } = await import('./src/client/fs/fs-command.ts');
    process.exitCode = await fsCommand(words, options);
  });

program
  .command('tpch')
  .description('Write the TPC-H tables as Parquet files, a folder each')
  .requiredOption('--sf <number>', 'scale factor: 1 is about 1 GB of data')
  .requiredOption('--out <folder>', 'where to write; the tables must not be there yet')
  .option('--data <folder>', 'where the generator keeps its text (default: $TUTTI_DATA, else ~/.tutti/data)')
  .addHelpText(
    'after',
    "\nColumns and decimals are the specification's, as in the catalog tpch_standard.\n\nExample:\n  tutti tpch --sf 0.1 --out data/tpch",
  )
  .action(async (options: TpchCommandOptions) => {
    const { tpchCommand } = await import('./src/server/commands.ts');
    await tpchCommand(options);
  });

type SessionArguments = {
  readonly user?: string | undefined;
  readonly catalog?: string | undefined;
  readonly schema?: string | undefined;
  readonly session?: string[] | undefined;
};
type ClusterArguments = Pick<ServerCommandOptions, 'data' | 'catalogs' | 'workers' | 'threads' | 'memory'>;
type ClientArguments = SessionArguments & ClusterArguments & { readonly url?: string };
type QueryArguments = ClientArguments & { readonly format: string; readonly file?: string };
type Work = (client: ProtocolClient, what: string) => Promise<void>;

async function notThere(word: string): Promise<Error> {
  const { UsageFailure } = await import('./src/client/failures.ts');
  const { nearest } = await import('./src/common/errors.ts');
  const names = program.commands.map((command) => command.name());
  if (names.includes(word)) return new UsageFailure(`options stand behind the command: tutti ${word} --…`);
  const near = names.find((name) => name.startsWith(word)) ?? nearest(word, names);
  const hint = near ? `; did you mean ${near}?` : '. tutti --help lists them; statements are run by: tutti query "…"';
  return new UsageFailure(`there is no command "${word}"${hint}`);
}

async function query(sql: string | undefined, { format, file, ...options }: QueryArguments): Promise<void> {
  const [{ runQueries }, { formatNamed }, { processConsole, readAll }, { UsageFailure }, { readStatements }] =
    await Promise.all([
      import('./src/client/query.ts'),
      import('./src/client/formats/formats.ts'),
      import('./src/client/console.ts'),
      import('./src/client/failures.ts'),
      import('./src/client/read-statements.ts'),
    ]);
  const chosen = formatNamed(format);
  if (sql !== undefined && file !== undefined) throw new UsageFailure('give the SQL or --file, not both');
  if (sql === undefined && file === undefined && process.stdin.isTTY) {
    throw new UsageFailure('no SQL given. Try: tutti query "SELECT 1"');
  }
  const text = sql ?? (file === undefined ? await readAll(process.stdin) : await readStatements(file));
  await withClient(options, async (client) => {
    process.exitCode = await runQueries(client, text, chosen, processConsole);
  });
}

/** For people only: a word that is taken back. */
const tell = (text: string): unknown => process.stderr.isTTY && process.stderr.write(text);

/** A client of the server that `--url` or TUTTI_URL names, or of a cluster that lives as long as the work. */
async function withClient({ url, ...options }: ClientArguments, work: Work): Promise<void> {
  const { user, catalog, schema, session, ...cluster } = options;
  const asked = { user, catalog, schema, session };
  const server = serverOf({ url });
  if (server === undefined) return withOwnCluster(cluster, asked, work);
  const [mine] = Object.keys(cluster);
  if (mine !== undefined) {
    const { UsageFailure } = await import('./src/client/failures.ts');
    const named = url === undefined ? `TUTTI_URL names the server ${server}` : `the server ${server} has its own`;
    throw new UsageFailure(`--${mine} is for the cluster that starts when no server is named, but ${named}`);
  }
  const client = await clientOf(server, asked);
  return work(client, `Tutti at ${client.url.origin}`).finally(() => client.close());
}

const serverOf = ({ url }: { readonly url?: string | undefined }): string | undefined =>
  url ?? (process.env.TUTTI_URL || undefined);

async function withOwnCluster(cluster: ClusterArguments, asked: SessionArguments, work: Work): Promise<void> {
  // A prompt is no place for an operator's log.
  process.env.TUTTI_LOG ??= 'error';
  const { startLocalServer } = await import('./src/server/commands.ts');
  const workers = Number(cluster.workers ?? 1);
  const parts = `a coordinator and ${workers === 1 ? 'a worker' : `${workers} workers`}`;
  tell(`starting ${parts} …`);
  const server = await startLocalServer({ ...cluster, port: '0' });
  try {
    await server.whole;
    tell('\r\u001b[K');
    const client = await clientOf(server.url, asked);
    await work(client, `Tutti: ${parts} at ${client.url.origin}`).finally(() => client.close());
  } finally {
    await server.close();
  }
}

async function clientOf(server: string, { session, ...named }: SessionArguments): Promise<ProtocolClient> {
  const { connect } = await import('./src/client/connect.ts');
  return connect(server, { ...named, properties: session, password: process.env.TUTTI_PASSWORD });
}

try {
  await program.parseAsync();
} catch (problem) {
  const [{ errorText }, { processConsole, styleFor }] = await Promise.all([
    import('./src/client/error-text.ts'),
    import('./src/client/console.ts'),
  ]);
  process.stderr.write(`${errorText(problem, undefined, styleFor(process.stderr, processConsole))}\n`);
  // A server that could not start whole would keep the process alive.
  // What it had set before is the code of the part that went well, when that is 0.
  process.exit(process.exitCode || 1);
}
