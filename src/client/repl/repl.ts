/** The interactive session: reads statements, runs them, shows their answers, until the person leaves. */
import { type Console, isBrokenPipe, styleFor, unicodeFor, write } from '../console.ts';
import { splitStatements } from '../../sql/script.ts';
import { errorText } from '../error-text.ts';
import { UsageFailure } from '../failures.ts';
import { type FormatName, formatNamed, FORMATS } from '../formats/formats.ts';
import { cancelOnInterrupt } from '../interrupts.ts';
import { printResult, type ResultSummary, updateText } from '../print-result.ts';
import { readStatements } from '../read-statements.ts';
import { ProgressLine, summaryText } from '../progress.ts';
import type { ProtocolClient } from '../protocol-client.ts';
import type { Style } from '../style.ts';
import { type CommandContext, runCommand } from './commands.ts';
import { complete, type Completion } from './completion.ts';
import { HELP, isComplete, LEAVING, type Step, stepsOf } from './entry.ts';
import { History, historyFile } from './history.ts';
import { Keys } from './keys.ts';
import { LineEditor } from './line-editor.ts';
import { ServerMetadata } from './metadata.ts';
import { pagerCommand, PagerLeft, ResultPager } from './pager.ts';
import type { Prompt } from './screen.ts';

/** Lines above the first prompt. */
export type ReplOptions = { readonly banner: readonly string[] };

export async function runRepl(client: ProtocolClient, console: Console, { banner }: ReplOptions): Promise<void> {
  const repl = new Repl(client, console);
  try {
    for (const line of banner) await repl.print(line);
    await repl.loop();
  } finally {
    repl.close();
  }
}

class Repl {
  readonly #client: ProtocolClient;
  readonly #console: Console;
  readonly #keys: Keys;
  readonly #paint: Style;
  readonly #history: History;
  readonly #metadata: ServerMetadata;
  readonly #editor: LineEditor;
  readonly #pager: readonly string[] | undefined;
  readonly #onResize = (): void => this.#keys.resized();
  #format: Exclude<FormatName, 'arrow'> = 'table';
  #timing = true;
  #paging = true;
  #blocks = false;
  #leaving = false;

  constructor(client: ProtocolClient, console: Console) {
    this.#client = client;
    this.#keys = new Keys(console.stdin);
    // In raw mode Ctrl-C is a key; while a pager has the terminal, or from outside, it is a signal.
    this.#console = {
      ...console,
      onInterrupt: (handler) => {
        const restores = [console.onInterrupt(handler), this.#keys.onInterrupt(handler)];
        return () => restores.forEach((restore) => restore());
      },
    };
    this.#paint = styleFor(console.stdout, console);
    this.#history = new History(historyFile(console.environment));
    this.#metadata = new ServerMetadata(client);
    this.#pager = pagerCommand(console.environment);
    this.#editor = new LineEditor({
      keys: this.#keys,
      terminal: console.stdout,
      paint: this.#paint,
      history: this.#history,
      isComplete,
      complete: (text, cursor) => this.#complete(text, cursor),
    });
    console.stdout.on('resize', this.#onResize);
  }

  close(): void {
    this.#console.stdout.off('resize', this.#onResize);
    this.#keys.close();
  }

  async print(text: string): Promise<void> {
    await write(this.#console.stdout, text.endsWith('\n') ? text : `${text}\n`);
  }

  async loop(): Promise<void> {
    let begun = '';
    while (!this.#leaving) {
      const entry = await this.#editor.read(this.#prompt(), begun);
      begun = '';
      if (entry.kind === 'end') return;
      if (entry.kind !== 'entry' || entry.text.trim() === '') continue;
      this.#history.add(entry.text);
      begun = await this.#runEntry(entry.text);
    }
  }

  /** The beginning of a statement that goes on at the next prompt. */
  async #runEntry(text: string): Promise<string> {
    const trimmed = text.trim();
    if (LEAVING.test(trimmed)) {
      this.#leaving = true;
      return '';
    }
    const { steps, rest } = HELP.test(trimmed) ? HELP_STEPS : stepsOf(text);
    for (const step of steps) {
      if (!(await this.#runStep(step)) || this.#leaving) return '';
    }
    return rest === '' ? '' : `${rest}\n`;
  }

  /** Whether what stands below it is run too. */
  async #runStep({ kind, text }: Step): Promise<boolean> {
    try {
      if (kind === 'sql') return await this.#runAll(text);
      await runCommand(text, this.#commands());
    } catch (problem) {
      await this.#report(problem);
    }
    return kind === 'command';
  }

  /** Runs statements until one fails; whether none did. */
  async #runAll(sql: string): Promise<boolean> {
    const statements = splitStatements(sql);
    for (const [index, { text }] of statements.entries()) {
      try {
        await this.#runOne(text);
      } catch (problem) {
        if (isBrokenPipe(problem)) throw problem;
        await this.#report(problem, text);
        const skipped = statements.length - index - 1;
        if (skipped > 0) await this.print(this.#paint.dim(`${skipped} more not run`));
        return false;
      }
    }
    return true;
  }

  async #runOne(sql: string): Promise<void> {
    const { stdout, stderr } = this.#console;
    const started = performance.now();
    const run = this.#client.execute(sql);
    const progress = stderr.isTTY ? new ProgressLine(stderr, styleFor(stderr, this.#console)) : undefined;
    const pager = new ResultPager(this.#console, this.#keys, this.#paging ? this.#pager : []);
    let answered: number | undefined;
    try {
      const summary = await cancelOnInterrupt(
        this.#console,
        run,
        () => progress?.note('cancelling'),
        () =>
          printResult(run, {
            format: FORMATS[this.#format],
            options: {
              colours: this.#paint.colours,
              unicode: unicodeFor(this.#console),
              width: stdout.columns,
              blocks: this.#blocks,
            },
            onPage: (page) => progress?.update(page.stats),
            write: async (bytes) => {
              answered ??= performance.now() - started;
              progress?.end();
              await pager.write(bytes);
            },
          }),
      );
      // The time until the answer was there, not the time a person spent reading it.
      const elapsed = answered ?? performance.now() - started;
      progress?.end();
      await pager.end();
      await this.#conclude(summary, elapsed);
    } catch (problem) {
      progress?.end();
      if (problem instanceof PagerLeft) return;
      await pager.end();
      throw problem;
    }
  }

  async #conclude(summary: ResultSummary, elapsed: number): Promise<void> {
    for (const warning of summary.warnings) await this.print(this.#paint.yellow(`warning: ${warning}`));
    const update = updateText(summary);
    if (update !== '') this.#metadata.forget();
    const facts = this.#timing ? summaryText(summary.stats, summary.rows, elapsed) : '';
    const parts = [update, facts].filter((part) => part !== '');
    if (parts.length > 0) await this.print(`${this.#paint.dim(parts.join(' · '))}\n\n`);
  }

  async #report(problem: unknown, sql?: string): Promise<void> {
    const { stderr } = this.#console;
    const paint = styleFor(stderr, this.#console);
    await write(stderr, `${errorText(problem, sql, paint, stderr.columns)}\n\n`);
  }

  #prompt(): Prompt {
    const { catalog, schema } = this.#client.session;
    const place = [catalog, schema].filter((name) => name !== undefined).join('.');
    const name = place === '' ? 'tutti' : `tutti:${place}`;
    return {
      first: `${this.#paint.bold(name)}${this.#paint.dim('>')} `,
      more: `${' '.repeat(Math.max(0, name.length - 1))}${this.#paint.dim('->')} `,
    };
  }

  async #complete(text: string, cursor: number): Promise<Completion> {
    const nothing: Completion = { start: cursor, candidates: [] };
    if (text.startsWith('\\') && !/\s/.test(text)) return nothing;
    const late = new Promise<Completion>((resolve) => setTimeout(resolve, COMPLETION_MS_MAX, nothing).unref());
    return Promise.race([complete(text, cursor, this.#client.session, this.#metadata), late]);
  }

  #commands(): CommandContext {
    return {
      run: async (sql) => void (await this.#runAll(sql)),
      runFile: async (path) => void (await this.#runAll(await readStatements(path))),
      print: (text) => this.print(text),
      use: async (target) => {
        if (target === '') throw new UsageFailure('write \\use catalog or \\use catalog.schema');
        const [catalog = '', schema] = target.split('.');
        if (schema !== undefined) {
          await this.#runAll(`USE ${target}`);
          return;
        }
        const { schema: _left, ...session } = this.#client.session;
        this.#client.session = { ...session, catalog };
      },
      toggleTiming: () => {
        this.#timing = !this.#timing;
        return `timing is ${this.#timing ? 'on' : 'off'}`;
      },
      setFormat: (name) => {
        const format = formatNamed(name || 'table');
        if (format === 'arrow') throw new UsageFailure('Arrow is binary: use tutti query --format arrow > file');
        this.#format = format;
        return `results are shown as ${format}`;
      },
      setPaging: (on) => {
        this.#paging = on;
      },
      toggleBlocks: () => {
        this.#blocks = !this.#blocks;
        return this.#blocks ? 'each row is a block of lines' : 'rows are lines of a table where they fit';
      },
      history: () => this.#history.entries,
      sessionText: () => this.#sessionText(),
      quit: () => {
        this.#leaving = true;
      },
    };
  }

  #sessionText(): string {
    const { user, catalog, schema, timeZone, transactionId, properties, prepared } = this.#client.session;
    const lines = [
      ['server', this.#client.url.origin],
      ['user', user],
      ['catalog', catalog],
      ['schema', schema],
      ['time zone', timeZone],
      ['transaction', transactionId],
      ...[...properties].map(([name, value]) => [name, value]),
      ...[...prepared].map(([name, value]) => [`prepared ${name}`, value]),
    ];
    return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name!.padEnd(12)} ${value}`])).join('\n');
  }
}

const HELP_STEPS = { steps: [{ kind: 'command', text: '\\?' }], rest: '' } as const;
/** Names that come later than this complete the next Tab. */
const COMPLETION_MS_MAX = 2_000;
