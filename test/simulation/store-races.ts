/** Files that many clients of a simulated store want to create, and nobody removes. */
import type { Possible } from './store-model.ts';

export class Races {
  readonly #attempts = new Map<string, Set<number>>();
  readonly #winners = new Map<string, number>();

  attempted(path: string, content: number): void {
    this.#attempts.set(path, (this.#attempts.get(path) ?? new Set()).add(content));
  }

  winner(path: string): number | undefined {
    return this.#winners.get(path);
  }

  won(path: string, content: number): void {
    const before = this.#winners.get(path);
    if (before !== undefined && before !== content) throw new Error(`${path} was created twice`);
    this.#winners.set(path, content);
  }

  possible(path: string): Possible {
    const winner = this.#winners.get(path);
    return winner === undefined ? (this.#attempts.get(path) ?? new Set()) : new Set([winner]);
  }
}
