/** The parts of the npm package `webhdfs` that its test uses; it comes without types. */
declare module 'webhdfs' {
  import type { Readable, Writable } from 'node:stream';

  export type HdfsStatus = {
    readonly pathSuffix: string;
    readonly type: 'FILE' | 'DIRECTORY';
    readonly length: number;
    readonly owner: string;
    readonly permission: string;
    readonly replication: number;
  };
  type Done = (problem: Error | null) => void;
  type Got<Result> = (problem: Error | null, result: Result) => void;
  export type Client = {
    mkdir(path: string, mode: string, done: Done): void;
    writeFile(path: string, data: string | Buffer, options: object, done: Done): void;
    appendFile(path: string, data: string | Buffer, options: object, done: Done): void;
    readFile(path: string, got: Got<Buffer>): void;
    createReadStream(path: string, options?: object): Readable;
    createWriteStream(path: string, options?: object): Writable;
    readdir(path: string, got: Got<readonly HdfsStatus[]>): void;
    stat(path: string, got: Got<HdfsStatus>): void;
    exists(path: string, got: (isThere: boolean) => void): void;
    rename(path: string, destination: string, done: Done): void;
    chmod(path: string, mode: string, done: Done): void;
    chown(path: string, user: string, group: string, done: Done): void;
    unlink(path: string, recursive: boolean, done: Done): void;
  };
  const webhdfs: {
    createClient(options: {
      readonly host: string;
      readonly port: string;
      readonly user: string;
      readonly path: string;
    }): Client;
  };
  export default webhdfs;
}
