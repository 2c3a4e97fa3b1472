/** `tutti fs`: the file store from the command line, with the options that people know from `hdfs dfs` and `hdfs dfsadmin`. */

import { nearest } from '../../common/errors.ts';
import type { StoreFileSystem } from '../../filestore/store-file-system.ts';
import { type Console, isBrokenPipe, write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { ADMIN_COMMANDS } from './admin-commands.ts';
import { BALANCER_COMMANDS } from './balancer-command.ts';
import { CHANGE_COMMANDS } from './change-commands.ts';
import { COPY_COMMANDS } from './copy-commands.ts';
import { type FsCommand, type FsCommands, parseWords } from './command.ts';
import { FsShell, whyNot } from './fs-shell.ts';
import { FSCK_COMMANDS } from './fsck-command.ts';
import { genericOptions, type NewFiles } from './generic-options.ts';
import { LOOK_COMMANDS } from './look-commands.ts';
import { READ_COMMANDS } from './read-commands.ts';
import { SNAPSHOT_COMMANDS } from './snapshot-commands.ts';

/** In the order of `-help`. */
const GROUPS: readonly (readonly [title: string, FsCommands])[] = [
  ['Looking around', LOOK_COMMANDS],
  ['Reading', READ_COMMANDS],
  ['Copying', COPY_COMMANDS],
  ['Changing', CHANGE_COMMANDS],
  ['Snapshots', SNAPSHOT_COMMANDS],
  ['For operators', { ...FSCK_COMMANDS, ...ADMIN_COMMANDS, ...BALANCER_COMMANDS }],
];

const COMMANDS: FsCommands = Object.assign({}, ...GROUPS.map(([, commands]) => commands));

/** As Hadoop's shell ends when it is called wrongly; 1 is for what could not be done. */
const CALLED_WRONGLY = 255;

/** The store, for a command whose new files have these. */
export type OpenStore = (newFiles: NewFiles) => StoreFileSystem;

/** The exit code. `open` is called when the store is needed. */
export async function runFs(open: OpenStore, words: readonly string[], console: Console): Promise<number> {
  // A reader that goes away (`| head`) is noticed where we write; without a listener it would end the process.
  console.stdout.on('error', ignore);
  try {
    return await run(open, words, console);
  } catch (problem) {
    if (isBrokenPipe(problem)) return 0;
    throw problem;
  } finally {
    console.stdout.off('error', ignore);
  }
}

const ignore = (): void => undefined;

async function run(open: OpenStore, words: readonly string[], console: Console): Promise<number> {
  let given: ReturnType<typeof genericOptions>;
  try {
    given = genericOptions(words);
  } catch (problem) {
    if (!(problem instanceof UsageFailure)) throw problem;
    await write(console.stderr, `-D: ${problem.message}\n`);
    return CALLED_WRONGLY;
  }
  const [first, ...rest] = given.rest;
  if (first === undefined) {
    await write(console.stderr, `${usageOfAll()}tutti fs -help says what each of them does.\n`);
    return CALLED_WRONGLY;
  }
  const name = first.replace(/^-/, '');
  if (['help', 'usage', '-help', 'h'].includes(name)) return help(name === 'usage', rest, console);
  const command = first.startsWith('-') ? commandNamed(name) : undefined;
  if (!command) {
    await write(console.stderr, unknown(first));
    return CALLED_WRONGLY;
  }
  const shell = new FsShell(open(given.newFiles), console, name);
  try {
    const { words: paths, options } = parseWords(command, rest);
    await command.run(shell, paths, options);
    return shell.exitCode;
  } catch (problem) {
    if (problem instanceof UsageFailure) {
      await write(console.stderr, `-${name}: ${problem.message}\nUsage: tutti fs ${command.usage}\n`);
      return CALLED_WRONGLY;
    }
    const why = whyNot(rest.at(-1) ?? '', problem);
    if (why === undefined) throw problem;
    await shell.complain(why);
    return shell.exitCode;
  }
}

const commandNamed = (name: string): FsCommand | undefined =>
  Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;

function unknown(word: string): string {
  if (!word.startsWith('-'))
    return `${word}: Unknown command\nDid you mean -${word}? This command begins with a dash.\n`;
  const near = nearest(word.slice(1), Object.keys(COMMANDS));
  return `${word}: Unknown command\n${near ? `Did you mean -${near}? ` : ''}tutti fs -help lists them.\n`;
}

async function help(isShort: boolean, names: readonly string[], console: Console): Promise<number> {
  if (names.length === 0) {
    await write(console.stdout, isShort ? usageOfAll() : overview());
    return 0;
  }
  for (const given of names) {
    const name = given.replace(/^-/, '');
    const command = commandNamed(name);
    if (!command) {
      await write(console.stderr, unknown(`-${name}`));
      return CALLED_WRONGLY;
    }
    const { usage, does, details } = command;
    const more = isShort ? '' : ` :\n  ${sentence(does)}\n${details === undefined ? '' : indented(details)}`;
    await write(console.stdout, isShort ? `Usage: tutti fs ${usage}\n` : `${usage}${more}`);
  }
  return 0;
}

const usageOfAll = (): string =>
  `Usage: tutti fs [--url <coordinator>] [-D <name>=<value>] <command>\n${Object.values(COMMANDS)
    .map(({ usage }) => `\t[${usage}]\n`)
    .join('')}`;

function overview(): string {
  const lines = GROUPS.flatMap(([title, commands]) => [
    `\n${title}:`,
    ...Object.entries(commands).map(([name, { does }]) => `  -${name.padEnd(WIDTH)}  ${does}`),
  ]);
  return (
    'Commands on the file store of a cluster, as hdfs dfs and hdfs dfsadmin have them:\n' +
    `${lines.join('\n')}\n\n` +
    'tutti fs -help <command> says more about one, -usage how it is called. Paths of the store may be patterns (quote\n' +
    'them: "/logs/2026-*"); those without a slash in front are below /user/<you>. Before a command, -D dfs.replication=2\n' +
    'and -D dfs.blocksize=64m say what its new files have (else 3 and 128m). Exit codes: 0 done, 1 something could not be\n' +
    'done, 255 called wrongly.\n'
  );
}

const WIDTH = Math.max(...Object.keys(COMMANDS).map(({ length }) => length));

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const indented = (text: string): string =>
  `${text
    .trim()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n')}\n`;
