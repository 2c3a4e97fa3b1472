/** A disk that ends the process just before, or just after, its n-th call. */

import type { Disk, DiskFile } from '../../src/common/disk.ts';

export type Kill = { readonly when: 'before' | 'after'; readonly call: number };

export function killingDisk(disk: Disk, { when, call }: Kill): Disk {
  let calls = 0;
  const counted =
    <Input extends unknown[], Output>(work: (...input: Input) => Promise<Output>) =>
    async (...input: Input): Promise<Output> => {
      calls += 1;
      const isLast = calls === call;
      if (isLast && when === 'before') await end();
      try {
        return await work(...input);
      } finally {
        // Also after a call that fails, as one for a folder that is there does: a run to its end would be taken for the last one.
        if (isLast) await end();
      }
    };
  const file = (open: DiskFile): DiskFile => ({
    read: counted((offset, buffer) => open.read(offset, buffer)),
    write: counted((offset, bytes) => open.write(offset, bytes)),
    sync: counted(() => open.sync()),
    truncate: counted((bytes) => open.truncate(bytes)),
    bytes: counted(() => open.bytes()),
    close: counted(() => open.close()),
  });
  return {
    open: counted(async (path, mode) => file(await disk.open(path, mode))),
    stat: counted((path) => disk.stat(path)),
    realPath: counted((path) => disk.realPath(path)),
    list: counted((folder) => disk.list(folder)),
    rename: counted((from, to) => disk.rename(from, to)),
    link: counted((existing, path) => disk.link(existing, path)),
    remove: counted((path) => disk.remove(path)),
    removeFolder: counted((folder) => disk.removeFolder(folder)),
    mkdir: counted((folder) => disk.mkdir(folder)),
    syncFolder: counted((folder) => disk.syncFolder(folder)),
    freeBytes: counted((path) => disk.freeBytes(path)),
    lock: counted((path) => disk.lock(path)),
  };
}

/** Nothing of this process runs on. */
function end(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}
