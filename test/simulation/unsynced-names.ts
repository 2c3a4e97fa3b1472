/** Names that were made, moved or removed, and that a crash may undo until their folder is synced. */

import type { FolderNode, NameChange, Node } from './disk-nodes.ts';

export class UnsyncedNames {
  /** In the order in which they were made. */
  readonly #changes = new Set<NameChange>();
  readonly #byFolder = new Map<FolderNode, Set<NameChange>>();

  add(change: NameChange): void {
    this.#changes.add(change);
    for (const { folder } of change) {
      const changes = this.#byFolder.get(folder) ?? new Set();
      changes.add(change);
      this.#byFolder.set(folder, changes);
    }
  }

  /** What changed in the folder is durable; a change that touches another folder too is so in both. */
  sync(folder: FolderNode): void {
    for (const change of this.#byFolder.get(folder) ?? []) {
      keep(change);
      this.#changes.delete(change);
      for (const place of change) if (place.folder !== folder) this.#byFolder.get(place.folder)?.delete(change);
    }
    this.#byFolder.delete(folder);
  }

  /** The power failed: each change is kept or lost. Answers how many are lost. */
  settle(isKept: () => boolean): number {
    let lost = 0;
    for (const change of this.#changes) {
      if (isKept()) keep(change);
      else lost += 1;
    }
    this.#changes.clear();
    this.#byFolder.clear();
    return lost;
  }

  /** What has a name again if a change is lost. */
  nodes(): readonly Node[] {
    return [...this.#changes].flatMap((change) => change.flatMap(({ node }) => node ?? []));
  }
}

function keep(change: NameChange): void {
  for (const { folder, name, node } of change) {
    if (node) folder.durable.set(name, node);
    else folder.durable.delete(name);
  }
}
