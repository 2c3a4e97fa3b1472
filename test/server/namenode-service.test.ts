/** Which store a namenode leads: its journal's, whatever else stands in the data folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { makeLogger } from '../../src/observe/logger.ts';
import { startNamenode } from '../../src/server/namenode-service.ts';
import { startServer } from '../support/server.ts';

const fatal = (problem: Error): void => expect.unreachable(problem.message);

test('another journal in the same data folder is another store, which datanodes of the first do not join', async () => {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-store-'));
  const [one, two, three] = ['one', 'two', 'three'].map((name) => path.join(dataDirectory, name)) as [
    string,
    string,
    string,
  ];
  /** The store that a datanode hears of which holds blocks of `store`. */
  const join = async (journalDirectories: readonly string[], store?: string): Promise<string> => {
    const logger = makeLogger('test', { TUTTI_LOG: 'silent' });
    const service = await startNamenode({
      dataDirectory,
      journalDirectories,
      clock: systemClock,
      logger,
      trashMs: 0,
      fatal,
    });
    try {
      const registration = { node: 'dn', incarnation: '1', address: 'dn', rack: '/a', host: 'dn', store };
      const { answer } = await service.operations['register']!(registration as never, undefined as never);
      return (answer as { store: string }).store;
    } finally {
      await service.close();
    }
  };
  try {
    const store = await join([one]);
    await expect(join([two], store)).rejects.toThrow(`holds blocks of store ${store}`);
    expect(await join([one], store)).toBe(store);
    expect(await join([one, three], store)).toBe(store);
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
});

test('without the command flock there is no store, and it is said what is missing', async () => {
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  const server = await startServer({ workers: 1, arguments: ['--webhdfs'] }).finally(() => {
    process.env['PATH'] = PATH;
  });
  try {
    const answer = await fetch(`${server.url}/webhdfs/v1/?op=LISTSTATUS`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('this machine has no command flock; install it (Linux: package util-linux)');
  } finally {
    await server.stop();
  }
});
