/**
 * Runs a script of file-system commands against a namespace and returns it with the answers. A line that begins with `> ` is a
 * command; the lines below it, up to an empty one, are its answer. Every record goes through its codec before it is applied.
 */

import { isDeepStrictEqual } from 'node:util';
import { assert } from '../../src/common/assert.ts';
import { apply } from '../../src/filestore/namespace/apply.ts';
import * as attributes from '../../src/filestore/namespace/decide-attributes.ts';
import { decidePublish } from '../../src/filestore/namespace/decide-publish.ts';
import { decideReap } from '../../src/filestore/namespace/decide-reap.ts';
import * as snapshots from '../../src/filestore/namespace/decide-snapshots.ts';
import * as tree from '../../src/filestore/namespace/decide-tree.ts';
import * as writes from '../../src/filestore/namespace/decide-writes.ts';
import type { Decision } from '../../src/filestore/namespace/decision.ts';
import { entries } from '../../src/filestore/namespace/ordered-map.ts';
import { modeText } from '../../src/filestore/namespace/permissions.ts';
import type { Caller } from '../../src/filestore/namespace/permissions.ts';
import * as queries from '../../src/filestore/namespace/queries.ts';
import { CheckpointReader } from '../../src/filestore/namespace/read-checkpoint.ts';
import { decodeRecord, encodeRecord } from '../../src/filestore/namespace/record-codec.ts';
import type { Refusal } from '../../src/filestore/namespace/refusal.ts';
import { type Difference, snapshotDiff } from '../../src/filestore/namespace/snapshot-diff.ts';
import { expiredTrash, planTrash, TRASH_MODE, trashCheckpoints } from '../../src/filestore/namespace/trash.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';
import type { FileNode, Namespace } from '../../src/filestore/namespace/state.ts';
import { writeCheckpoint } from '../../src/filestore/namespace/write-checkpoint.ts';
import { dump } from './namespace-dump.ts';

export function runScript(text: string): string {
  const session = new Session();
  const output: string[] = [];
  let answering = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('> ')) {
      answering = true;
      output.push(line, ...session.run(line.slice(2)));
    } else if (line === '' || !answering) {
      answering = false;
      output.push(line);
    }
  }
  return output.join('\n');
}

const ROOT: Caller = { user: 'hdfs', groups: ['supergroup'], superuser: true };
const BLOCK_BYTES = 100;
/** Times are shown as seconds since then; every command takes one. */
const START = Date.UTC(2026, 0, 1);

class Session {
  #state: Namespace = newNamespace({ owner: 'hdfs', group: 'supergroup', time: START });
  #caller = ROOT;
  #now = START + 1_000;

  run(line: string): readonly string[] {
    this.#now += 1_000;
    const words = line.split(' ').filter((word) => word !== '');
    const options = new Map(
      words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
    );
    const [command = '', ...rest] = words.filter((word) => !word.includes('='));
    return this.#command(command, rest, options);
  }

  #command(command: string, words: readonly string[], options: ReadonlyMap<string, string>): readonly string[] {
    const [path = '', second = '', third = ''] = words;
    const [caller, now, state] = [this.#caller, this.#now, this.#state];
    const client = options.get('client') ?? caller.user;
    const number = (name: string): number | undefined => {
      const value = options.get(name);
      return value === undefined ? undefined : Number(value);
    };
    const limit = (name: string): number | null | undefined => (options.get(name) === 'none' ? null : number(name));
    switch (command) {
      case 'as': {
        const [user = '', ...groups] = words;
        this.#caller = user === 'hdfs' ? ROOT : { user, groups, superuser: false };
        return [];
      }
      case 'mkdirs':
        return this.#decided(
          tree.decideMkdirs(state, { path, caller, mode: 0o755, createParent: second !== 'one', now }),
        );
      case 'create':
        return this.#decided(writes.decideCreate(state, this.#creation(words, options)));
      case 'write':
        return this.#write(words, options);
      case 'add-block':
        return this.#decided(
          writes.decideAddBlock(state, {
            file: this.#id(path),
            client,
            previous: this.#last(path, number('length'), number('generation')),
            now,
          }),
        );
      case 'complete':
        return this.#decided(
          writes.decideComplete(state, {
            file: this.#id(path),
            client,
            last: this.#last(path, number('length'), number('generation')),
            now,
          }),
        ).filter((answer) => answer.startsWith('refused'));
      case 'publish':
        return this.#decided(
          decidePublish(state, {
            file: this.#id(path),
            client,
            last: this.#last(path, number('length'), number('generation')),
            path: second,
            caller,
            overwrite: third === 'overwrite',
            now,
          }),
        ).map(withoutFile);
      case 'abandon-block':
        return this.#decided(
          writes.decideAbandonBlock(state, { file: this.#id(path), block: number('block')!, client, now }),
        );
      case 'abandon-file':
        return this.#decided(writes.decideAbandonFile(state, { file: this.#id(path), client, now }));
      case 'diff': {
        const [from, to] = [second, third].map((name) => (name === 'now' ? undefined : name));
        const found = withoutPauses(snapshotDiff(state, { path, caller, from, to }));
        return 'kind' in found ? refused(found) : found.map(differenceText);
      }
      case 'rename': {
        const how = third === 'exact' || third === 'overwrite' ? third : 'move';
        return this.#decided(tree.decideRename(state, { source: path, target: second, caller, how, now }));
      }
      case 'delete':
        return this.#decided(tree.decideDelete(state, { path, caller, recursive: second === 'recursive', now }));
      case 'chmod':
        return this.#decided(attributes.decideSetPermission(state, { path, caller, mode: parseInt(second, 8) }));
      case 'chown': {
        const [owner, group] = second.split(':');
        return this.#decided(
          attributes.decideSetOwner(state, { path, caller, owner: owner || undefined, group: group || undefined }),
        );
      }
      case 'touch':
        return this.#decided(
          attributes.decideSetTimes(state, { path, caller, mtime: number('mtime'), atime: number('atime') }),
        );
      case 'setrep':
        return this.#decided(attributes.decideSetReplication(state, { path, caller, replication: Number(second) }));
      case 'quota':
        return this.#decided(
          attributes.decideSetQuota(state, { path, caller, names: limit('names'), space: limit('space') }),
        );
      case 'allow-snapshot':
        return this.#decided(snapshots.decideAllowSnapshot(state, { path, caller }));
      case 'disallow-snapshot':
        return this.#decided(snapshots.decideDisallowSnapshot(state, { path, caller }));
      case 'snapshot':
        return this.#decided(snapshots.decideCreateSnapshot(state, { path, caller, name: second, now }));
      case 'delete-snapshot':
        return this.#decided(snapshots.decideDeleteSnapshot(state, { path, caller, name: second }));
      case 'rename-snapshot':
        return this.#decided(snapshots.decideRenameSnapshot(state, { path, caller, name: second, newName: third }));
      case 'reload': {
        const reader = new CheckpointReader();
        for (const slice of writeCheckpoint(state)) reader.add(slice);
        this.#state = reader.finish();
        assert(isDeepStrictEqual(dump(this.#state), dump(state)), 'a checkpoint holds all there is');
        return [];
      }
      case 'trash':
        return this.#trash(path);
      case 'put-trash-by':
        return trashCheckpoints(state, now).flatMap(({ source, target }) =>
          this.#decided(tree.decideRename(this.#state, { source, target, caller: ROOT, how: 'exact', now })),
        );
      case 'expired-trash':
        return expiredTrash(state, now - Number(path));
      case 'reap':
        return this.#decided(decideReap(state, Number(path || 1_000)));
      default:
        return this.#query(command, words, options);
    }
  }

  #query(command: string, words: readonly string[], options: ReadonlyMap<string, string>): readonly string[] {
    const [path = ''] = words;
    const [caller, state] = [this.#caller, this.#state];
    switch (command) {
      case 'stat': {
        const found = queries.stat(state, path, caller);
        if (found.kind === 'refused') return refused(found);
        return [found.status ? describe(found.status) : 'nothing'];
      }
      case 'ls': {
        const page = queries.list(state, path, caller, {
          after: options.get('after'),
          limit: Number(options.get('limit') ?? 1_000),
        });
        if (page.kind === 'refused') return refused(page);
        return [...page.entries.map(describe), ...(page.remaining > 0 ? [`${page.remaining} more`] : [])];
      }
      case 'tree':
        return this.#tree(path, '');
      case 'du': {
        const found = queries.contentSummary(state, path, caller);
        if (found.kind === 'refused') return refused(found);
        const { files, folders, length, space, quota } = found;
        const limits = `names ${quota.names ?? 'none'}, space ${quota.space ?? 'none'}`;
        return [`${files} files, ${folders} folders, ${length} bytes, ${space} with replication; quota: ${limits}`];
      }
      case 'locate': {
        const found = queries.locateBlocks(state, path, caller, {
          start: Number(options.get('start') ?? 0),
          end: Number(options.get('end') ?? Infinity),
        });
        if (found.kind === 'refused') return refused(found);
        return found.blocks.map(({ offset, block }) => `${offset}: ${JSON.stringify(block)}`);
      }
      case 'blocks':
        return [...queries.allBlocks(state)].map(
          ({ id, replication }) => `${id} × ${replication}: ${queries.fileOfBlock(state, id)?.path ?? 'no live file'}`,
        );
      case 'leases':
        return [...entries(state.leases)].map(
          ([client, { renewedAt, files }]) =>
            `${client} since ${(renewedAt - START) / 1_000}: ${[...entries(files)].map(([id]) => queries.pathOfInode(state, id) ?? `lost ${id}`).join(' ')}`,
        );
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  #decided(decision: Decision<unknown>): readonly string[] {
    if (decision.kind === 'refused') return refused(decision);
    if (decision.kind === 'change') this.#state = apply(this.#state, decodeRecord(encodeRecord(decision.record)));
    if (decision.result === true) return decision.kind === 'unchanged' ? ['(as it was)'] : [];
    return [typeof decision.result === 'string' ? decision.result : JSON.stringify(decision.result)];
  }

  #creation(words: readonly string[], options: ReadonlyMap<string, string>): writes.CreateRequest {
    const [path = '', ifExists] = words;
    return {
      path,
      caller: this.#caller,
      client: options.get('client') ?? this.#caller.user,
      mode: 0o644,
      replication: Number(options.get('replication') ?? 1),
      blockSize: BLOCK_BYTES,
      ifExists: ifExists === 'overwrite' || ifExists === 'keep' ? ifExists : 'refuse',
      createParent: ifExists !== 'one',
      now: this.#now,
    };
  }

  /** A whole file of so many bytes, as a client writes it. */
  #write(words: readonly string[], options: ReadonlyMap<string, string>): readonly string[] {
    const [path = '', bytes = '0', ifExists = 'refuse'] = words;
    const request = this.#creation([path, ifExists], options);
    const created = writes.decideCreate(this.#state, request);
    const answer = this.#decided(created);
    if (created.kind === 'refused') return answer;
    const { file } = created.result;
    let last: writes.Written | undefined;
    for (let left = Number(bytes); left > 0; left -= BLOCK_BYTES) {
      const added = writes.decideAddBlock(this.#state, {
        file,
        client: request.client,
        previous: last,
        now: this.#now,
      });
      const refusal = this.#decided(added);
      if (added.kind === 'refused') return refusal;
      last = { id: added.result.id, generation: added.result.generation, length: Math.min(left, BLOCK_BYTES) };
    }
    const completed = this.#decided(
      writes.decideComplete(this.#state, { file, client: request.client, last, now: this.#now }),
    );
    return completed.length === 1 && completed[0]!.startsWith('refused') ? completed : [];
  }

  #trash(path: string): readonly string[] {
    const [caller, now] = [this.#caller, this.#now];
    const plan = planTrash(this.#state, path, caller.user, now);
    if (plan.kind === 'refused') return refused(plan);
    if (plan.kind === 'delete') {
      return this.#decided(tree.decideDelete(this.#state, { path, caller, recursive: true, now }));
    }
    const { folder, target } = plan;
    const made = this.#decided(tree.decideMkdirs(this.#state, { path: folder, caller, mode: TRASH_MODE, now }));
    const moved = this.#decided(tree.decideRename(this.#state, { source: path, target, caller, how: 'exact', now }));
    return [...made, ...moved].filter((answer) => answer !== '(as it was)');
  }

  #file(path: string): FileNode {
    const found = queries.locateBlocks(this.#state, path, ROOT);
    assert(found.kind === 'found', `the script writes to ${path}, which is there`);
    return found.file;
  }

  /** Of what stands there; an id itself where none does. */
  #id(path: string): number {
    return /^\d+$/.test(path) ? Number(path) : this.#file(path).id;
  }

  /** What the client says of the block it wrote last: with a length, of the last one; else of the last one it has told of. */
  #last(path: string, length: number | undefined, generation: number | undefined): writes.Written | undefined {
    const blocks = /^\d+$/.test(path) ? [] : this.#file(path).blocks;
    const last = length === undefined ? blocks.findLast((block) => block.length !== undefined) : blocks.at(-1);
    return last && { id: last.id, generation: generation ?? last.generation, length: length ?? last.length! };
  }

  #tree(path: string, indent: string): readonly string[] {
    const page = queries.list(this.#state, path, this.#caller, { limit: 1_000 });
    if (page.kind === 'refused') return refused(page);
    return page.entries.flatMap((status) => [
      indent + describe(status),
      ...(status.kind === 'folder'
        ? this.#tree(path === '/' ? `/${status.name}` : `${path}/${status.name}`, `${indent}  `)
        : []),
    ]);
  }
}

/** Of what `publish` says, only why there is no such file. */
const withoutFile = (answer: string): string =>
  answer.startsWith('{')
    ? JSON.stringify((JSON.parse(answer) as { refusal?: Refusal }).refusal ?? 'published')
    : answer;

const differenceText = (difference: Difference): string =>
  [
    difference.kind,
    `./${difference.path}`,
    ...(difference.kind === 'renamed' ? [`-> ./${difference.target}`] : []),
  ].join(' ');

/** What a long walk finds when nothing happens meanwhile. */
function withoutPauses<Result>(steps: Generator<void, Result, void>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const refused = ({ name, message }: Refusal): readonly string[] => [`refused, ${name}: ${message}`];

function describe(status: queries.Status): string {
  const { kind, name, owner, group, mode, mtime, length, replication, open, snapshottable } = status;
  const facts = kind === 'folder' ? `d${modeText(mode)}` : `-${modeText(mode)}`;
  const size = kind === 'folder' ? '' : ` ${length} × ${replication}`;
  return `${name === '' ? '' : `${name} `}${facts} ${owner}:${group}${size} @${(mtime - START) / 1_000}${open ? ' open' : ''}${snapshottable ? ' snapshottable' : ''}`;
}
