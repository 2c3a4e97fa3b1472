/** The bytes of one replica, each piece compared with its checksums before anybody sees it. */

import { crc32c } from '../../common/crc32c.ts';
import type { Clock } from '../../common/clock.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk, DiskFile } from '../../common/disk.ts';
import type { Replica } from '../protocol.ts';
import { chunkLength, decodeChecksums } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { Verification } from './verifications.ts';

/** The replica is not as it was written. What follows from that, the store decides. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Throws DamageError also where the checksums are those of another replica. */
export async function readChecksums(disk: Disk, path: string, replica: Replica): Promise<Checksums> {
  const checksums = decodeChecksums(await readWhole(disk, path));
  if (!checksums) throw new DamageError('its checksum file is damaged');
  const { block, generation, length } = checksums;
  if (block !== replica.block || generation !== replica.generation || length !== replica.length) {
    throw new DamageError(`its checksums are those of ${length} bytes of block ${block}, generation ${generation}`);
  }
  return checksums;
}

export class ReplicaReader {
  readonly #clock: Clock;
  readonly #file: DiskFile;
  readonly #checksums: Checksums;
  readonly #verification: Verification;

  constructor(options: { clock: Clock; file: DiskFile; checksums: Checksums; verification: Verification }) {
    this.#clock = options.clock;
    this.#file = options.file;
    this.#checksums = options.checksums;
    this.#verification = options.verification;
  }

  get chunkBytes(): number {
    return this.#checksums.chunkBytes;
  }

  /**
   * The bytes of a range, a chunk or a part of one at a time. What is not verified is read by whole chunks; where it was verified a short
   * while ago, only what is asked for.
   */
  async *read(offset: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    const { chunkBytes } = this.#checksums;
    const end = Math.min(offset + length, this.#checksums.length);
    for (let at = offset; at < end;) {
      const chunk = Math.floor(at / chunkBytes);
      const start = chunk * chunkBytes;
      const next = Math.min(end, start + chunkBytes);
      const whole = at === start && next === start + chunkLength(this.#checksums, chunk);
      if (whole || !this.#verification.holds(chunk, this.#clock.elapsedMs())) {
        yield (await this.verify(chunk)).subarray(at - start, next - start);
      } else {
        const bytes = Buffer.allocUnsafeSlow(next - at);
        await this.#fill(at, bytes);
        yield bytes;
      }
      at = next;
    }
  }

  /** Reads a chunk, into `buffer` if there is one, and compares it. */
  async verify(chunk: number, buffer?: Buffer): Promise<Buffer> {
    const [start, length] = [chunk * this.#checksums.chunkBytes, chunkLength(this.#checksums, chunk)];
    const bytes = buffer?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    const now = this.#clock.elapsedMs();
    await this.#fill(start, bytes);
    if (crc32c(bytes) !== this.#checksums.chunks[chunk]) {
      throw new DamageError(`bytes ${start} to ${start + length - 1} do not fit their checksum`);
    }
    this.#verification.mark(chunk, now);
    return bytes;
  }

  async #fill(offset: number, bytes: Buffer): Promise<void> {
    let read: number;
    try {
      read = await this.#file.read(offset, bytes);
    } catch (error) {
      if (diskErrorCode(error) !== 'EIO') throw error;
      throw new DamageError(`the disk does not give bytes ${offset} to ${offset + bytes.length - 1}`, { cause: error });
    }
    if (read < bytes.length) throw new DamageError(`its file ends at byte ${offset + read}`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  try {
    const buffer = Buffer.alloc(await file.bytes());
    return buffer.subarray(0, await file.read(0, buffer));
  } finally {
    await file.close();
  }
}
