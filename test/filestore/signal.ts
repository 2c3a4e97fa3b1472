/** Something that happens once, for tests that wait for it. */
export class Signal {
  #give: () => void = () => undefined;
  readonly given = new Promise<void>((resolve) => (this.#give = resolve));

  give(): void {
    this.#give();
  }
}
