/** The operations of WebHDFS that the namenode answers itself, each with its HTTP method, and what they answer in HDFS's words. */

import type { ContentSummary, Status } from '../namespace/queries.ts';
import { StoreError } from '../network.ts';
import { isSeen } from '../store-file-system.ts';
import { newNamesOf, pathBelow } from '../store-path.ts';
import { hdfsStatus } from './hdfs-status.ts';
import { DONE, json } from './operation.ts';
import type { Answer, Asked, Operation } from './operation.ts';
import { REPORT_OPERATIONS } from './report-operations.ts';
import { invalid } from './web-request.ts';

/** Entries that one answer of the namenode has, as HDFS's `dfs.ls.limit`. */
const PAGE = 1000;

export const METADATA_OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET GETFILESTATUS': async (asked) => json({ FileStatus: hdfsStatus(await existing(asked), '') }),
  'GET LISTSTATUS': listStatus,
  'GET LISTSTATUS_BATCH': listStatusBatch,
  'GET GETCONTENTSUMMARY': contentSummary,
  ...REPORT_OPERATIONS,
  'GET GETHOMEDIRECTORY': async ({ caller }) => json({ Path: `/user/${caller.user}` }),
  'PUT MKDIRS': async (asked) => {
    newNamesOf(asked.request.path);
    return json({ boolean: await changed(asked, 'mkdirs', { mode: asked.request.octal('permission') ?? 0o755 }) });
  },
  'PUT RENAME': rename,
  'DELETE DELETE': async (asked) => json({ boolean: await remove(asked) }),
  'PUT SETREPLICATION': async (asked) =>
    json({
      boolean: await changed(asked, 'setReplication', { replication: asked.request.integer('replication', 1) ?? 3 }),
    }),
  'PUT SETPERMISSION': (asked) => done(asked, 'setPermission', { mode: asked.request.octal('permission') ?? 0o755 }),
  'PUT SETOWNER': async (asked) => {
    const [owner, group] = [asked.request.text('owner'), asked.request.text('group')];
    if (owner === undefined && group === undefined) {
      throw new StoreError('IllegalArgumentException', 'Both owner and group are empty.');
    }
    return done(asked, 'setOwner', { owner, group });
  },
  'PUT SETTIMES': (asked) =>
    done(asked, 'setTimes', { mtime: time(asked, 'modificationtime'), atime: time(asked, 'accesstime') }),
  'PUT SETQUOTA': (asked) =>
    done(asked, 'setQuota', { names: quota(asked, 'namespacequota'), space: quota(asked, 'storagespacequota') }),
  'PUT ALLOWSNAPSHOT': (asked) => done(asked, 'allowSnapshot', {}),
  'PUT DISALLOWSNAPSHOT': (asked) => done(asked, 'disallowSnapshot', {}),
  'PUT CREATESNAPSHOT': async (asked) =>
    json({ Path: await changed(asked, 'createSnapshot', { name: asked.request.text('snapshotname') }) }),
  'PUT RENAMESNAPSHOT': (asked) =>
    done(asked, 'renameSnapshot', {
      name: asked.request.required('oldsnapshotname'),
      newName: asked.request.required('snapshotname'),
    }),
  'DELETE DELETESNAPSHOT': (asked) => done(asked, 'deleteSnapshot', { name: asked.request.required('snapshotname') }),
};

const changed = <Result>({ namenode, caller, request }: Asked, operation: string, message: object): Promise<Result> =>
  namenode.change<Result>(operation, caller, { path: request.path, ...message });

async function done(asked: Asked, operation: string, message: object): Promise<Answer> {
  await changed(asked, operation, message);
  return DONE;
}

/** -1 leaves it as it is. */
function time({ request }: Asked, name: string): number | undefined {
  const ms = request.integer(name, -1);
  return ms === -1 ? undefined : ms;
}

/** As Hadoop writes quotas: -1 clears it (null), the greatest number of 64 bits leaves it (undefined). */
function quota({ request }: Asked, name: string): number | null | undefined {
  if (request.text(name) === String(2n ** 63n - 1n)) return undefined;
  const limit = request.integer(name, -1);
  return limit === -1 ? null : limit;
}

/** A folder in which nothing is seen is empty: who is writing a file there will hear that it is gone. */
async function remove(asked: Asked): Promise<boolean> {
  const recursive = asked.request.boolean('recursive') ?? false;
  try {
    return await changed(asked, 'delete', { recursive });
  } catch (problem) {
    if (!(problem instanceof StoreError && problem.name === 'PathIsNotEmptyDirectoryException')) throw problem;
    const { caller, namenode, request } = asked;
    const { entries, remaining } = await namenode.read<Page>('list', caller, { path: request.path, limit: PAGE });
    if (remaining > 0 || entries.some(isSeen)) throw problem;
    for (const { name } of entries) {
      await namenode.change('delete', caller, { path: pathBelow(request.path, name), recursive });
    }
    return changed(asked, 'delete', { recursive });
  }
}

/** What is to be seen at the path. Throws FileNotFoundException. */
export async function existing({ namenode, caller, request }: Asked, path = request.path): Promise<Status> {
  const { status } = await namenode.read<{ status?: Status }>('stat', caller, { path });
  if (status && !status.open) return status;
  throw new StoreError('FileNotFoundException', `File does not exist: ${path}`);
}

async function rename(asked: Asked): Promise<Answer> {
  const { namenode, caller, request } = asked;
  const target = request.requiredPath('destination');
  newNamesOf(target);
  const options = request.text('renameoptions')?.toUpperCase().split(',');
  const strange = options?.find((option) => !RENAME_OPTIONS.has(option));
  if (strange !== undefined) throw invalid('renameoptions', `${strange} is not one of NONE, OVERWRITE and TO_TRASH`);
  const how = options === undefined ? 'move' : options.includes('OVERWRITE') ? 'overwrite' : 'exact';
  const renamed = namenode.change<true>('rename', caller, { source: request.path, target, how });
  if (how === 'move') return json({ boolean: await renamed.catch(notRenamed) });
  await renamed;
  return DONE;
}

/** With TO_TRASH Hadoop's own shell moves things there. */
const RENAME_OPTIONS: ReadonlySet<string> = new Set(['NONE', 'OVERWRITE', 'TO_TRASH']);

/** The first rename that HDFS had says so of what its second one throws: nothing there, or no place for it. */
function notRenamed(problem: unknown): boolean {
  const said = problem instanceof StoreError && NOT_RENAMED.has(problem.name);
  if (!said) throw problem;
  return false;
}

const NOT_RENAMED: ReadonlySet<string> = new Set([
  'FileNotFoundException',
  'FileAlreadyExistsException',
  'IOException',
]);

async function listStatus(asked: Asked): Promise<Answer> {
  // Asked for here: what is wrong with it is an answer of its own, not the end of one that has begun.
  const first = await page(asked, undefined);
  async function* pieces(): AsyncGenerator<string, void, undefined> {
    yield '{"FileStatuses":{"FileStatus":[';
    let comma = '';
    for (let now = first; ; now = await page(asked, now.last)) {
      for (const status of now.entries) {
        yield comma + JSON.stringify(hdfsStatus(status, status.name));
        comma = ',';
      }
      if (now.remaining === 0) break;
    }
    yield ']}}';
  }
  return { kind: 'pieces', pieces: pieces() };
}

async function listStatusBatch(asked: Asked): Promise<Answer> {
  let now = await page(asked, asked.request.text('startafter'));
  // A page of files that nobody sees yet is none: clients take an empty one for the end.
  while (now.entries.length === 0 && now.remaining > 0) now = await page(asked, now.last);
  const FileStatus = now.entries.map((status) => hdfsStatus(status, status.name));
  const partialListing = { FileStatuses: { FileStatus } };
  return json({ DirectoryListing: { partialListing, remainingEntries: now.remaining } });
}

type Page = { readonly entries: readonly Status[]; readonly remaining: number; readonly last: string | undefined };

async function page({ namenode, caller, request }: Asked, after: string | undefined): Promise<Page> {
  const message = { path: request.path, limit: PAGE, ...(after !== undefined && { after }) };
  const { entries, remaining } = await namenode.read<Page>('list', caller, message);
  return { entries: entries.filter(isSeen), remaining, last: entries.at(-1)?.name };
}

async function contentSummary({ namenode, caller, request }: Asked): Promise<Answer> {
  const summary = await namenode.read<ContentSummary>('contentSummary', caller, { path: request.path });
  const { files, folders, length, space, quota } = summary;
  return json({
    ContentSummary: {
      directoryCount: folders,
      fileCount: files,
      length,
      quota: quota.names ?? -1,
      spaceConsumed: space,
      spaceQuota: quota.space ?? -1,
      typeQuota: {},
    },
  });
}
