/** `tutti query`: runs statements one after another, results to stdout, everything else to stderr. */
import type { IncomingMessage } from 'node:http';
import { splitStatements } from '../sql/script.ts';
import { type Console, isBrokenPipe, styleFor, unicodeFor, write } from './console.ts';
import { errorText } from './error-text.ts';
import { ConnectionFailure, StatementFailure, UsageFailure } from './failures.ts';
import { type FormatName, FORMATS } from './formats/formats.ts';
import { cancelOnInterrupt } from './interrupts.ts';
import { printResult, updateText } from './print-result.ts';
import { ProgressLine } from './progress.ts';
import { failureOfPage, type ProtocolClient, refusalText } from './protocol-client.ts';
import { plural } from './quantities.ts';

const ignore = (): void => undefined;

/** The exit code: 0, or 1 after the first statement that failed. */
export async function runQueries(
  client: ProtocolClient,
  sql: string,
  format: FormatName,
  console: Console,
): Promise<number> {
  if (format === 'arrow' && console.stdout.isTTY) {
    throw new UsageFailure(
      'Arrow is binary: send it to a file or a program, as in: … --format arrow "SELECT …" > rows.arrow',
    );
  }
  const statements = splitStatements(sql);
  const results = statements.filter(({ text }) => RESULT_STARTS.test(text));
  if (format === 'arrow' && results.length > 1) {
    throw new UsageFailure(
      `An Arrow stream holds one result, and there are ${results.length}: run one statement with rows at a time`,
    );
  }
  // A reader that goes away is noticed where we write; without a listener it would end the process.
  console.stdout.on('error', ignore);
  try {
    for (const { text } of statements) {
      try {
        await runOne(client, text, format, console);
      } catch (problem) {
        if (isBrokenPipe(problem)) return 0;
        const paint = styleFor(console.stderr, console);
        await write(console.stderr, `${errorText(problem, text, paint, console.stderr.columns)}\n`);
        return 1;
      }
    }
    return 0;
  } finally {
    console.stdout.off('error', ignore);
  }
}

async function runOne(client: ProtocolClient, sql: string, format: FormatName, console: Console): Promise<void> {
  if (format === 'arrow' && RESULT_STARTS.test(sql)) return runArrow(client, sql, console);
  const { stdout, stderr } = console;
  const run = client.execute(sql);
  const progress = stderr.isTTY ? new ProgressLine(stderr, styleFor(stderr, console)) : undefined;
  const summary = await cancelOnInterrupt(
    console,
    run,
    () => progress?.note('cancelling'),
    () =>
      printResult(run, {
        format: FORMATS[format === 'arrow' ? 'table' : format],
        options: {
          colours: styleFor(stdout, console).colours,
          unicode: unicodeFor(console),
          width: stdout.isTTY ? stdout.columns : undefined,
        },
        onPage: (page) => progress?.update(page.stats),
        write: async (bytes) => {
          if (stdout.isTTY) progress?.end();
          await write(stdout, bytes);
        },
      }),
  ).finally(() => progress?.end());
  for (const warning of summary.warnings) await write(stderr, `warning: ${warning}\n`);
  if (summary.updateType !== undefined) await write(stderr, `${updateText(summary)}\n`);
  else if (format === 'table' && summary.rows !== undefined) {
    await write(stdout, `(${plural(summary.rows, 'row')})\n`);
  }
}

/** Statements that have rows to send; all others change something and are answered with pages. */
const RESULT_STARTS = /^(?:\(|(?:select|with|values|table|show|describe|desc|execute)\b)/i;

const ARROW_STREAM = 'application/vnd.apache.arrow.stream';

/** The server writes Arrow itself; its bytes pass through. Closing the connection cancels the query. */
async function runArrow(client: ProtocolClient, sql: string, console: Console): Promise<void> {
  const abort = new AbortController();
  const run = { cancel: () => Promise.resolve(abort.abort()) };
  await cancelOnInterrupt(
    console,
    run,
    () => undefined,
    async () => {
      try {
        const response = await client.stream(sql, ARROW_STREAM, abort.signal);
        if (!String(response.headers['content-type']).startsWith(ARROW_STREAM)) throw await refusalOf(response);
        for await (const piece of response as AsyncIterable<Buffer>) await write(console.stdout, piece);
      } catch (problem) {
        if (!abort.signal.aborted) throw BROKEN_OFF.has(codeOf(problem)) ? brokenOff(problem) : problem;
        throw new StatementFailure({ code: 'USER_CANCELED', message: 'Query was canceled' });
      }
    },
  );
}

/** A result that failed on its way cannot say so in its own bytes: the connection ends before the stream does. */
const BROKEN_OFF = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);
const codeOf = (problem: unknown): string => (problem as NodeJS.ErrnoException).code ?? '';
const brokenOff = (cause: unknown): ConnectionFailure =>
  new ConnectionFailure('the server broke off in the middle of the result: what came is incomplete', { cause });

async function refusalOf(response: IncomingMessage): Promise<Error> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  const body = Buffer.concat(pieces);
  return (
    failureOfPage(body) ??
    new ConnectionFailure(`the server sends no Arrow for this (HTTP ${response.statusCode}): ${refusalText(body)}`)
  );
}
