/** What a client of a simulated store reads, compared with what may stand there. */

import { listAll } from '../../src/filestore/file-system.ts';
import { StoreError } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { type Contents, NOTHING, type Outcome, type Possible } from './store-model.ts';

export class StoreView {
  /** All is well: nothing is refused any more. */
  isCalm = false;
  readonly #fs: () => StoreFileSystem;
  readonly #contents: Contents;

  constructor(fs: () => StoreFileSystem, contents: Contents) {
    this.#fs = fs;
    this.#contents = contents;
  }

  /** Those of the possible ones that stand there; undefined: it could not be read now. */
  async contentsAt(path: string, possible: Possible): Promise<Possible | undefined> {
    try {
      const file = await this.#fs().open(path);
      const bytes = Buffer.from(await file.read(0, file.length));
      const found = this.#contents.alike(possible, bytes);
      if (found.length === 0) throw new Error(`${path} has ${bytes.length} bytes that nobody wrote there`);
      return new Set(found);
    } catch (problem) {
      if (!this.isMissing(problem, path)) return undefined;
      if (!possible.has(undefined)) throw new Error(`${path} is lost`, { cause: problem });
      return NOTHING;
    }
  }

  /** False: it could not be read now. */
  isMissing(problem: unknown, path: string): boolean {
    if (!(problem instanceof StoreError)) throw problem;
    if (problem.name === 'FileNotFoundException' || problem.name === 'ParentNotDirectoryException') return true;
    if (this.isCalm) throw new Error(`${path} cannot be read when all is well`, { cause: problem });
    return false;
  }

  /** Whole files that were written there, all of them, and nothing else. False: it could not be listed now. */
  async isListed(
    folder: string,
    wanted: Outcome,
    isDoubtful: (path: string) => boolean = () => false,
  ): Promise<boolean> {
    const listed = new Map<string, number>();
    try {
      for await (const { path, length } of listAll(this.#fs(), folder, { recursive: true })) listed.set(path, length);
    } catch (problem) {
      if (!(problem instanceof StoreError) || this.isCalm) throw problem;
      return false;
    }
    for (const path of new Set([...listed.keys(), ...wanted.keys()])) {
      if (isDoubtful(path)) continue;
      const lengths = [...(wanted.get(path) ?? NOTHING)].map((one) =>
        one === undefined ? undefined : this.#contents.bytesOf(one).length,
      );
      if (!lengths.includes(listed.get(path))) {
        throw new Error(`${path} is listed with ${listed.get(path)} bytes, and has ${lengths.join(' or ')}`);
      }
    }
    return true;
  }
}
