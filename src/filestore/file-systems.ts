/** The file systems that a process knows, by location. */

import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import type { FileSystem } from './file-system.ts';
import { LocalFileSystem } from './local-file-system.ts';
import { StoreError } from './network.ts';
import { STORE_OWNER } from './namespace/permissions.ts';
import { type StoreUri, storeUriText } from './store-uri.ts';
import { WebHdfsFileSystem } from './webhdfs-file-system.ts';

/** Those who read tables: the files of a machine from its root, this cluster's store, and any HDFS. */
export class FileSystems {
  readonly #clock: Clock;
  readonly #local: FileSystem;
  readonly #store: FileSystem | undefined;
  readonly #hdfs = new Map<string, WebHdfsFileSystem>();

  /** `store`: this cluster's. */
  constructor(clock: Clock, store?: FileSystem) {
    this.#clock = clock;
    this.#local = new LocalFileSystem({ disk: localDisk, root: '/', clock });
    this.#store = store;
  }

  /** Throws UnsupportedOperationException. */
  of(uri: StoreUri): FileSystem {
    switch (uri.scheme) {
      case 'file':
        return this.#local;
      case 'tutti':
        if (this.#store && uri.authority === undefined) return this.#store;
        throw new StoreError(
          'UnsupportedOperationException',
          `${storeUriText(uri)}: only this cluster's own store is read, as tutti:/// with three slashes`,
        );
      case 'webhdfs':
        return this.#hdfsAt(uri.authority);
    }
  }

  close(): void {
    for (const hdfs of this.#hdfs.values()) hdfs.close();
  }

  /** The catalog's roots say which of its files are read: the same for every user of SQL. */
  #hdfsAt(authority: string): WebHdfsFileSystem {
    const known = this.#hdfs.get(authority);
    if (known) return known;
    const hdfs = new WebHdfsFileSystem({ authority, user: STORE_OWNER, clock: this.#clock });
    this.#hdfs.set(authority, hdfs);
    return hdfs;
  }
}
