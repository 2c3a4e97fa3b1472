/** Hadoop as a process beside the tests: Maven fetches it into its own repository, Java runs it from `Hadoop.java`. */

import { execFile, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const folder = import.meta.dirname;

export type Hdfs = { readonly authority: string; readonly user: string; readonly stop: () => Promise<void> };

/** A real HDFS, empty; `user` is the one who may do everything there. */
export async function startHdfs(): Promise<Hdfs> {
  const data = await mkdtemp(path.join(tmpdir(), 'tutti-interop-hdfs-'));
  const user = 'hdfs';
  const java = await startJava(user, 'hdfs', data);
  const ready = await java.answer();
  const authority = /^ready at (\S+)$/.exec(ready)?.[1];
  if (authority === undefined) throw new Error(`HDFS says: ${ready}`);
  const stop = async (): Promise<void> => {
    await java.end();
    await rm(data, { recursive: true, force: true });
  };
  return { authority, user, stop };
}

export type Outcome = { readonly code: number; readonly out: string; readonly err: string };

export type HadoopShell = {
  /** A command of `hdfs dfs`. */
  readonly run: (...words: string[]) => Promise<Outcome>;
  readonly stop: () => Promise<void>;
};

/** Hadoop's own client of the file system at a URI. */
export async function startShell(uri: string, user: string): Promise<HadoopShell> {
  const java = await startJava(user, 'shell', uri);
  return {
    run: async (...words) => {
      java.process.stdin.write(`${words.map((word) => Buffer.from(word).toString('base64')).join(' ')}\n`);
      const [code, out, err] = (await java.answer()).split(' ');
      return { code: Number(code), out: decoded(out), err: decoded(err) };
    },
    stop: java.end,
  };
}

const decoded = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

type Java = {
  readonly process: ChildProcessWithoutNullStreams;
  /** The next line of its standard output. */
  readonly answer: () => Promise<string>;
  /** Ends its input, and waits for its end. */
  readonly end: () => Promise<void>;
};

async function startJava(user: string, ...words: readonly string[]): Promise<Java> {
  const java = spawn('java', ['-cp', await classPath(), path.join(folder, 'Hadoop.java'), ...words], {
    env: { ...process.env, HADOOP_USER_NAME: user },
  });
  let said = '';
  java.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-10_000)));
  const ended = once(java, 'exit');
  const lines = createInterface(java.stdout)[Symbol.asyncIterator]();
  return {
    process: java,
    answer: async () => {
      const { done, value } = await lines.next();
      if (done === true) throw new Error(`Java ended: ${said}`);
      return value;
    },
    end: async () => {
      java.stdin.end();
      await ended;
    },
  };
}

/** Nothing is fetched when Maven has it already. */
async function classPath(): Promise<string> {
  const out = path.join(await mkdtemp(path.join(tmpdir(), 'tutti-interop-maven-')), 'classpath');
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath';
  try {
    await promisify(execFile)('mvn', [
      '-q',
      '-B',
      '-f',
      path.join(folder, 'pom.xml'),
      goal,
      `-Dmdep.outputFile=${out}`,
    ]);
    return await readFile(out, 'utf8');
  } catch (problem) {
    throw new Error('Maven could not fetch Hadoop: the tests of interoperability need java, mvn and a network', {
      cause: problem,
    });
  } finally {
    await rm(path.dirname(out), { recursive: true });
  }
}
