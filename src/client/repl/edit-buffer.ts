/** The text being edited and its cursor: what keys do, without a screen. Moves go by graphemes, as people see them. */
export class EditBuffer {
  #text = '';
  #cursor = 0;
  #killed = '';
  readonly #undo: { text: string; cursor: number }[] = [];

  get text(): string {
    return this.#text;
  }

  /** UTF-16 offset. */
  get cursor(): number {
    return this.#cursor;
  }

  set(text: string, cursor = text.length): void {
    if (text !== this.#text) this.#remember();
    this.#text = text;
    this.#cursor = cursor;
  }

  insert(text: string): void {
    this.#replace(this.#cursor, this.#cursor, text);
  }

  /** Puts `text` in place of the characters from `start` to the cursor. */
  replaceBack(start: number, text: string): void {
    this.#replace(start, this.#cursor, text);
  }

  undo(): void {
    const before = this.#undo.pop();
    if (before) [this.#text, this.#cursor] = [before.text, before.cursor];
  }

  backspace(): void {
    this.#replace(this.#before(this.#cursor), this.#cursor, '');
  }

  delete(): void {
    this.#replace(this.#cursor, this.#after(this.#cursor), '');
  }

  left(): void {
    this.#cursor = this.#before(this.#cursor);
  }

  right(): void {
    this.#cursor = this.#after(this.#cursor);
  }

  wordLeft(): void {
    this.#cursor = this.#wordBefore();
  }

  wordRight(): void {
    this.#cursor = this.#wordAfter();
  }

  lineStart(): void {
    this.#cursor = this.#lineStart();
  }

  lineEnd(): void {
    this.#cursor = this.#lineEnd();
  }

  textStart(): void {
    this.#cursor = 0;
  }

  textEnd(): void {
    this.#cursor = this.#text.length;
  }

  /** To the same column of the line above; false on the first line. */
  up(): boolean {
    const start = this.#lineStart();
    if (start === 0) return false;
    const column = this.#cursor - start;
    const above = this.#lineStart(start - 1);
    this.#cursor = this.#whole(Math.min(above + column, start - 1));
    return true;
  }

  down(): boolean {
    const end = this.#lineEnd();
    if (end === this.#text.length) return false;
    const column = this.#cursor - this.#lineStart();
    const next = this.#text.indexOf('\n', end + 1);
    this.#cursor = this.#whole(Math.min(end + 1 + column, next < 0 ? this.#text.length : next));
    return true;
  }

  killToLineEnd(): void {
    const end = this.#lineEnd();
    // On an empty rest the newline goes, as in other editors.
    this.#kill(this.#cursor, end === this.#cursor ? Math.min(end + 1, this.#text.length) : end);
  }

  killToLineStart(): void {
    this.#kill(this.#lineStart(), this.#cursor);
  }

  killWordBefore(): void {
    this.#kill(this.#wordBefore(), this.#cursor);
  }

  killWordAfter(): void {
    this.#kill(this.#cursor, this.#wordAfter());
  }

  yank(): void {
    this.insert(this.#killed);
  }

  #kill(start: number, end: number): void {
    if (start === end) return;
    this.#killed = this.#text.slice(start, end);
    this.#replace(start, end, '');
  }

  #replace(start: number, end: number, text: string): void {
    if (start === end && text === '') return;
    this.#remember();
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.#cursor = start + text.length;
  }

  #remember(): void {
    this.#undo.push({ text: this.#text, cursor: this.#cursor });
    if (this.#undo.length > UNDO_STEPS_MAX) this.#undo.shift();
  }

  #lineStart(offset = this.#cursor): number {
    // At 0 the search would begin at 0 all the same, and find a newline there.
    return offset === 0 ? 0 : this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.#cursor);
    return end < 0 ? this.#text.length : end;
  }

  #before(offset: number): number {
    if (offset === 0) return 0;
    const start = Math.max(0, offset - GRAPHEME_LENGTH_MAX);
    let last = start;
    for (const { index } of GRAPHEMES.segment(this.#text.slice(start, offset))) last = start + index;
    return last;
  }

  #after(offset: number): number {
    const [first] = GRAPHEMES.segment(this.#text.slice(offset, offset + GRAPHEME_LENGTH_MAX));
    return first ? offset + first.segment.length : offset;
  }

  /** Not between the halves of a character. */
  #whole(offset: number): number {
    let whole = this.#lineStart(offset);
    while (whole < offset) {
      const next = this.#after(whole);
      if (next > offset) break;
      whole = next;
    }
    return whole;
  }

  #wordBefore(): number {
    const before = this.#text.slice(0, this.#cursor);
    return /[\p{L}\p{N}_]*[^\p{L}\p{N}_]*$/u.exec(before)?.index ?? 0;
  }

  #wordAfter(): number {
    const match = /^[^\p{L}\p{N}_]*[\p{L}\p{N}_]*/u.exec(this.#text.slice(this.#cursor));
    return this.#cursor + (match?.[0].length ?? 0);
  }
}

const UNDO_STEPS_MAX = 200;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Longer ones exist (stacked marks), but then a step inside of one harms nobody. */
const GRAPHEME_LENGTH_MAX = 32;
