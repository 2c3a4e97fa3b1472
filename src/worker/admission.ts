/**
 * Who may use the kernel when: tasks as many as there are slots, a connector's small queries beside them, and a task that
 * must run alone when nothing else does. In order of arrival, so that nobody starves.
 */

type Kind = 'task' | 'query' | 'alone';

type Waiting = { readonly kind: Kind; readonly enter: () => void };

export class Admission {
  readonly #slots: number;
  #tasks = 0;
  #queries = 0;
  #alone = false;
  #waiting: Waiting[] = [];

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Resolves with the function to leave by. Rejects with the signal's reason. */
  async enter(kind: Kind, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        kind,
        enter: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        this.#admit();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#admit();
    });
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#count(kind, -1);
      this.#admit();
    };
  }

  #admit(): void {
    while (this.#waiting[0] && this.#isFree(this.#waiting[0].kind)) {
      const next = this.#waiting.shift()!;
      this.#count(next.kind, 1);
      next.enter();
    }
  }

  #isFree(kind: Kind): boolean {
    if (this.#alone) return false;
    switch (kind) {
      case 'task':
        return this.#tasks < this.#slots;
      case 'query':
        return true;
      case 'alone':
        return this.#tasks === 0 && this.#queries === 0;
    }
  }

  #count(kind: Kind, by: 1 | -1): void {
    if (kind === 'task') this.#tasks += by;
    else if (kind === 'query') this.#queries += by;
    else this.#alone = by === 1;
  }
}
