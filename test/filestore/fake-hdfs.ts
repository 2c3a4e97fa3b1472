/**
 * A small HDFS behind its REST interface: the namespace decides as a namenode does, and what a datanode would keep is in memory. Requests
 * go through the redirects, status codes and JSON of Hadoop 3; a file whose writer goes away is completed with what came, as datanodes do.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apply } from '../../src/filestore/namespace/apply.ts';
import { decideDelete, decideMkdirs, decideRename } from '../../src/filestore/namespace/decide-tree.ts';
import { decideAddBlock, decideComplete, decideCreate } from '../../src/filestore/namespace/decide-writes.ts';
import type { Decision } from '../../src/filestore/namespace/decision.ts';
import { list, stat } from '../../src/filestore/namespace/queries.ts';
import type { Status } from '../../src/filestore/namespace/queries.ts';
import type { Refusal, RefusalName } from '../../src/filestore/namespace/refusal.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';

const CALLER = { user: 'hdfs', groups: ['supergroup'], superuser: true };

/** Names that a listing shows at a time; of a real one 1,000. */
const PAGE = 100;

export class FakeHdfs {
  /** By inode. */
  readonly contents = new Map<number, Buffer>();
  /** Told of every request before it is answered; `cut`: done, and the answer is lost; `refuse`: not done, and no answer. */
  fault: (op: string, path: string, where: 'namenode' | 'datanode') => 'cut' | 'refuse' | undefined = () => undefined;
  now = Date.now();
  /** Of each file that is written, at most so many bytes arrive. */
  keptBytesMax = Infinity;
  /** A datanode takes nothing before. */
  awake: Promise<void> = Promise.resolve();
  readonly #namenode: Server;
  readonly #datanode: Server;
  #state = newNamespace({ owner: 'hdfs', group: 'supergroup' });
  #writers = 0;
  #times = 0;

  private constructor() {
    this.#namenode = createServer((request, response) => this.#serve(request, response, 'namenode'));
    this.#datanode = createServer((request, response) => this.#serve(request, response, 'datanode'));
  }

  static async start(): Promise<FakeHdfs> {
    const fake = new FakeHdfs();
    for (const server of [fake.#namenode, fake.#datanode]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return fake;
  }

  get authority(): string {
    return authorityOf(this.#namenode);
  }

  /** Everything that has a name, hidden files too. */
  paths(folder = '/'): readonly string[] {
    const page = granted(list(this.#state, folder, CALLER, { limit: 1e6 }));
    return page.entries.flatMap(({ name, kind }) => {
      const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
      return kind === 'folder' ? [path, ...this.paths(path)] : [path];
    });
  }

  /** Every file has been cut off and written on again: other bytes, and another time. */
  rewrite(bytes: Buffer): void {
    for (const inode of this.contents.keys()) this.contents.set(inode, bytes);
    this.#times += 1;
  }

  #touched(status: Status): Status {
    return { ...status, mtime: status.mtime + this.#times };
  }

  /** As when it was started again. */
  dropConnections(): void {
    this.#namenode.closeAllConnections();
  }

  async close(): Promise<void> {
    for (const server of [this.#namenode, this.#datanode]) {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse, where: 'namenode' | 'datanode'): void {
    const url = new URL(request.url!, 'http://fake');
    const path = decodeURIComponent(url.pathname.slice('/webhdfs/v1'.length));
    const op = url.searchParams.get('op') ?? '';
    const fault = this.fault(op, path, where);
    if (fault === 'refuse') {
      request.socket.destroy();
      return;
    }
    const answering = where === 'namenode' ? this.#ask(op, path, url) : this.#transfer(op, path, url, request);
    void answering
      .catch(errorAnswer)
      .then((answer) => (fault === 'cut' ? request.socket.destroy() : send(response, answer)));
  }

  async #ask(op: string, path: string, url: URL): Promise<Answer> {
    const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
    const request = { path, caller: CALLER, now: this.now };
    switch (op) {
      case 'GETFILESTATUS':
        return json({ FileStatus: hdfsStatus(this.#touched(this.#status(path)), '') });
      case 'LISTSTATUS_BATCH': {
        const after = parameter('startAfter') ?? '';
        const { entries } = granted(list(this.#state, path, CALLER, { limit: 1e6 }));
        const rest = entries
          .filter(({ name }) => after === '' || compareSigned(name, after) > 0)
          .toSorted((a, b) => compareSigned(a.name, b.name));
        const page = rest.slice(0, PAGE);
        const FileStatus = page.map((entry) => hdfsStatus(this.#touched(entry), entry.name));
        const partialListing = { FileStatuses: { FileStatus } };
        return json({ DirectoryListing: { partialListing, remainingEntries: rest.length - page.length } });
      }
      case 'MKDIRS':
        return json({ boolean: this.#decided(decideMkdirs(this.#state, { ...request, mode: 0o755 })) });
      case 'DELETE': {
        const recursive = parameter('recursive') === 'true';
        return json({ boolean: this.#decided(decideDelete(this.#state, { ...request, recursive })) });
      }
      case 'RENAME': {
        const how = { NONE: 'exact', OVERWRITE: 'overwrite' }[parameter('renameoptions') ?? ''] ?? 'move';
        const asked = { caller: CALLER, now: this.now, source: path, target: parameter('destination') ?? '' };
        this.#decided(decideRename(this.#state, { ...asked, how: how as 'exact' | 'overwrite' | 'move' }));
        return how === 'move' ? json({ boolean: true }) : { status: 200, headers: {}, body: Buffer.alloc(0) };
      }
      case 'OPEN':
        if (this.#status(path).kind === 'folder') throw refusal('FileNotFoundException', `Path is not a file: ${path}`);
        return this.#redirect(url);
      case 'CREATE':
        return this.#redirect(url);
      default:
        throw refusal('UnsupportedOperationException', `${op} is not supported`);
    }
  }

  async #transfer(op: string, path: string, url: URL, request: IncomingMessage): Promise<Answer> {
    if (op === 'CREATE') {
      await this.#write(path, url.searchParams.get('overwrite') === 'true', request);
      return {
        status: 201,
        headers: { location: `hdfs://fake${encodeURI(path)}`, 'content-length': 0 },
        body: Buffer.alloc(0),
      };
    }
    const offset = Number(url.searchParams.get('offset') ?? 0);
    const length = Number(url.searchParams.get('length') ?? Infinity);
    const body = this.contents.get(this.#existing(path).id)!.subarray(offset, offset + length);
    return {
      status: 200,
      headers: { 'content-type': 'application/octet-stream', 'content-length': body.length },
      body,
    };
  }

  async #write(path: string, overwrite: boolean, request: IncomingMessage): Promise<void> {
    const client = `writer ${++this.#writers}`;
    const now = this.now;
    const attributes = { mode: 0o644, replication: 1, blockSize: 1e12, ifExists: overwrite ? 'overwrite' : 'refuse' };
    const { file } = this.#decided(
      decideCreate(this.#state, { path, caller: CALLER, client, now, ...attributes } as Parameters<
        typeof decideCreate
      >[1]),
    );
    await this.awake;
    const pieces: Buffer[] = [];
    let problem: unknown;
    try {
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    } catch (error) {
      problem = error;
    }
    const content = Buffer.concat(pieces).subarray(0, this.keptBytesMax);
    this.contents.set(file, content);
    const { id, generation } = this.#decided(decideAddBlock(this.#state, { file, client, previous: undefined, now }));
    const last = { id, generation, length: content.length };
    this.#decided(decideComplete(this.#state, { file, client, last, now }));
    if (problem) throw problem;
  }

  #redirect(url: URL): Answer {
    // As HDFS does: Java composes accents when it writes a URI.
    const path = decodeURIComponent(url.pathname).normalize('NFC').split('/').map(encodeURIComponent).join('/');
    const location = `http://${authorityOf(this.#datanode)}${path}${url.search}&namenoderpcaddress=fake:8020`;
    return { status: 307, headers: { location, 'content-length': 0 }, body: Buffer.alloc(0) };
  }

  /** As HDFS: below a file nothing is. */
  #status(path: string): Status {
    try {
      return this.#existing(path);
    } catch (problem) {
      if (!(problem instanceof Refused && problem.refusal.name === 'ParentNotDirectoryException')) throw problem;
      throw refusal('FileNotFoundException', `File does not exist: ${path}`);
    }
  }

  #existing(path: string): Status {
    const { status } = granted(stat(this.#state, path, CALLER));
    if (!status) throw refusal('FileNotFoundException', `File does not exist: ${path}`);
    return status;
  }

  #decided<Result>(decision: Decision<Result>): Result {
    const decided = granted(decision);
    if (decided.kind === 'change') this.#state = apply(this.#state, decided.record);
    return decided.result;
  }
}

/** As HDFS orders names: Java's bytes have a sign. */
function compareSigned(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => new Int8Array(Buffer.from(name)));
  for (let i = 0; i < Math.min(left!.length, right!.length); i++)
    if (left![i] !== right![i]) return left![i]! - right![i]!;
  return left!.length - right!.length;
}

type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
};

const authorityOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

const json = (value: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const hdfsStatus = ({ kind, length, id, mtime, mode, owner, group }: Status, pathSuffix: string): object => ({
  pathSuffix,
  type: kind === 'file' ? 'FILE' : 'DIRECTORY',
  length,
  fileId: id,
  modificationTime: mtime,
  accessTime: 0,
  permission: mode.toString(8),
  owner,
  group,
  storagePolicy: 0,
});

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refused: Refusal) {
    super(refused.message);
    this.refusal = refused;
  }
}

const refusal = (name: RefusalName, message: string): Refused => new Refused({ kind: 'refused', name, message });

function granted<T extends { readonly kind: string }>(found: T | Refusal): Exclude<T, Refusal> {
  if (found.kind === 'refused') throw new Refused(found as Refusal);
  return found as Exclude<T, Refusal>;
}

const STATUSES: Readonly<Record<string, number>> = { FileNotFoundException: 404, UnsupportedOperationException: 400 };

function errorAnswer(problem: unknown): Answer {
  const { name, message }: { readonly name: string; readonly message: string } =
    problem instanceof Refused ? problem.refusal : { name: 'IOException', message: String(problem) };
  if (name === 'ParentNotDirectoryException') {
    return errorAnswer(refusal('AccessControlException', `${message} (is not a directory)`));
  }
  const status = STATUSES[name] ?? 403;
  const javaClassName = `org.apache.hadoop.fs.${name}`;
  return { ...json({ RemoteException: { exception: name, javaClassName, message } }), status };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}
