/** Reads one entry of one or more lines from a terminal: editing keys, history, completion and colours while typing. */
import { displayWidth, padEndToWidth, printable } from '../display-width.ts';
import type { Style } from '../style.ts';
import type { Completion } from './completion.ts';
import { EditBuffer } from './edit-buffer.ts';
import type { History } from './history.ts';
import type { Key, Keys } from './keys.ts';
import { type Prompt, Screen, type ScreenTerminal } from './screen.ts';

export type EditorParts = {
  readonly keys: Keys;
  readonly terminal: ScreenTerminal;
  readonly paint: Style;
  readonly history: History;
  /** Whether Enter ends the entry rather than the line. */
  isComplete(text: string): boolean;
  complete(text: string, cursor: number): Promise<Completion>;
};

export type Entry =
  | { readonly kind: 'entry'; readonly text: string }
  /** No more input will come. */
  | { readonly kind: 'end' }
  /** What was typed is thrown away. */
  | { readonly kind: 'interrupt' };

export class LineEditor {
  readonly #parts: EditorParts;

  constructor(parts: EditorParts) {
    this.#parts = parts;
  }

  /** `begun` stands there already. */
  async read(prompt: Prompt, begun = ''): Promise<Entry> {
    const { terminal, paint } = this.#parts;
    terminal.write(PASTE_ON);
    const entry = new EntryInProgress(this.#parts, prompt, new Screen(terminal, paint), begun);
    try {
      for (;;) {
        const done = await entry.press(await this.#parts.keys.next());
        if (done) return done;
      }
    } finally {
      terminal.write(PASTE_OFF);
    }
  }
}

/* Bracketed paste: the terminal marks pasted text, so that its newlines are no Enter keys. */
const PASTE_ON = '\u001b[?2004h';
const PASTE_OFF = '\u001b[?2004l';

/** Candidates offered below the text; Tab goes round. */
type Offer = { readonly start: number; readonly candidates: readonly string[]; readonly chosen: number };
type Search = { readonly wanted: string; readonly index: number };

class EntryInProgress {
  readonly #parts: EditorParts;
  readonly #prompt: Prompt;
  readonly #screen: Screen;
  readonly #buffer = new EditBuffer();
  #historyAt: number;
  /** What was typed before the history was walked. */
  #draft = '';
  #offer: Offer | undefined;
  #search: Search | undefined;
  /** Where the cursor was after a completion that added a blank. */
  #blankAt = -1;

  constructor(parts: EditorParts, prompt: Prompt, screen: Screen, begun: string) {
    this.#parts = parts;
    this.#prompt = prompt;
    this.#screen = screen;
    this.#historyAt = parts.history.entries.length;
    this.#buffer.set(begun);
    this.#draw();
  }

  async press(key: Key): Promise<Entry | undefined> {
    if (this.#search && this.#searching(key)) return undefined;
    const offer = this.#offer;
    this.#offer = undefined;
    if (key.name === 'tab' && !key.shift) await this.#complete(offer);
    else {
      const done = this.#edit(key);
      if (done) return done;
    }
    this.#draw();
    return undefined;
  }

  #edit(key: Key): Entry | undefined {
    const buffer = this.#buffer;
    const name = key.ctrl ? `ctrl-${key.name}` : key.meta ? `meta-${key.name}` : key.name;
    const action = ACTIONS[name];
    if (action) {
      action(buffer);
      return undefined;
    }
    switch (name) {
      case 'return':
      case 'enter':
        if (!this.#parts.isComplete(buffer.text)) buffer.insert('\n');
        else return this.#leave({ kind: 'entry', text: buffer.text });
        return undefined;
      case 'ctrl-c':
        return this.#leave({ kind: 'interrupt' });
      case 'input-over':
        return this.#leave({ kind: 'end' });
      case 'ctrl-d':
        if (buffer.text === '') return this.#leave({ kind: 'end' });
        buffer.delete();
        return undefined;
      case 'up':
      case 'ctrl-p':
        if (!buffer.up()) this.#walkHistory(-1);
        return undefined;
      case 'down':
      case 'ctrl-n':
        if (!buffer.down()) this.#walkHistory(1);
        return undefined;
      case 'ctrl-r':
        this.#search = { wanted: '', index: this.#parts.history.entries.length };
        return undefined;
      case 'ctrl-l':
        this.#parts.terminal.write('\u001b[H\u001b[2J');
        return undefined;
      default:
        this.#type(key);
        return undefined;
    }
  }

  #type(key: Key): void {
    if (key.name === 'text') this.#buffer.insert(key.text);
    else if (!key.ctrl && !key.meta && isPrintable(key.text)) {
      // The blank behind a completed word was a guess.
      const guessed = this.#buffer.cursor === this.#blankAt && CLOSE_UP.has(key.text);
      this.#buffer.replaceBack(this.#buffer.cursor - (guessed ? 1 : 0), key.text);
    }
  }

  /** Draws once more without what stood below, and goes on under it. */
  #leave(entry: Entry): Entry {
    this.#buffer.textEnd();
    this.#draw();
    this.#screen.leave();
    return entry;
  }

  #draw(): void {
    const below = this.#search ? [this.#searchLine(this.#search)] : this.#offerLines();
    this.#screen.draw({ prompt: this.#prompt, text: this.#buffer.text, cursor: this.#buffer.cursor, below });
  }

  #walkHistory(step: number): void {
    const { entries } = this.#parts.history;
    const next = this.#historyAt + step;
    if (next < 0 || next > entries.length) return;
    if (this.#historyAt === entries.length) this.#draft = this.#buffer.text;
    this.#historyAt = next;
    this.#buffer.set(entries[next] ?? this.#draft);
  }

  async #complete(offer: Offer | undefined): Promise<void> {
    if (offer) {
      const chosen = (offer.chosen + 1) % offer.candidates.length;
      this.#buffer.replaceBack(offer.start, offer.candidates[chosen]!);
      this.#offer = { ...offer, chosen };
      return;
    }
    const { text, cursor } = this.#buffer;
    const lineStart = text.lastIndexOf('\n', cursor - 1) + 1;
    // At the start of a line Tab indents.
    if (lineStart > 0 && text.slice(lineStart, cursor).trim() === '') return this.#buffer.insert('  ');
    const { start, candidates } = await this.#parts.complete(text, cursor);
    const [only] = candidates;
    if (only === undefined) return;
    const typed = text.slice(start, cursor);
    if (candidates.length === 1) {
      const space = only.endsWith('(') || text[cursor] === ' ' ? '' : ' ';
      this.#buffer.replaceBack(start, only + space);
      this.#blankAt = space === '' ? -1 : this.#buffer.cursor;
      return;
    }
    const common = commonPrefix(candidates);
    if (common.length > typed.length) this.#buffer.replaceBack(start, common);
    this.#offer = { start, candidates, chosen: -1 };
  }

  #offerLines(): string[] {
    if (!this.#offer) return [];
    const { candidates, chosen } = this.#offer;
    const { paint, terminal } = this.#parts;
    const width = Math.min(40, Math.max(...candidates.map(displayWidth))) + 2;
    const perLine = Math.max(1, Math.floor(((terminal.columns ?? 80) - 2) / width));
    const room = perLine * OFFER_LINES_MAX;
    const first = Math.max(0, Math.floor(Math.max(0, chosen) / room) * room);
    const shown = candidates.slice(first, first + room);
    const lines: string[] = [];
    for (let at = 0; at < shown.length; at += perLine) {
      const cells = shown.slice(at, at + perLine).map((candidate, index) => {
        const cell = padEndToWidth(candidate, width);
        return first + at + index === chosen ? paint.bold(cell) : paint.dim(cell);
      });
      lines.push(`  ${cells.join('').trimEnd()}`);
    }
    if (candidates.length > first + room) lines.push(paint.dim(`  … ${candidates.length - first - room} more`));
    return lines;
  }

  /** Keys while searching the history; false for those that end the search and mean something themselves. */
  #searching(key: Key): boolean {
    const search = this.#search!;
    const { history } = this.#parts;
    let next: Search | undefined;
    if (key.ctrl && key.name === 'r') next = { ...search, index: history.search(search.wanted, search.index) };
    else if (key.name === 'backspace') next = { wanted: search.wanted.slice(0, -1), index: history.entries.length };
    else if (!key.ctrl && !key.meta && isPrintable(key.text)) {
      const wanted = search.wanted + key.text;
      next = { wanted, index: history.search(wanted, Math.max(search.index + 1, 0)) };
      if (next.index < 0) next = { wanted, index: history.search(wanted, history.entries.length) };
    }
    this.#search = next;
    if (next) {
      const found = history.entries[next.index];
      if (found !== undefined) this.#buffer.set(found);
      this.#draw();
      return true;
    }
    const ends = key.name === 'return' || key.name === 'escape' || (key.ctrl && (key.name === 'g' || key.name === 'c'));
    if (ends) {
      if (key.name !== 'return') this.#buffer.set('');
      this.#draw();
    }
    return ends;
  }

  #searchLine({ wanted, index }: Search): string {
    const missing = index < 0 && wanted !== '' ? ' (not found)' : '';
    return this.#parts.paint.dim(`history: ${wanted}▏${missing}  Enter takes it, Ctrl-R goes back further, Esc leaves`);
  }
}

const OFFER_LINES_MAX = 5;
const CLOSE_UP = new Set(['.', ',', ';', ')']);

const ACTIONS: Readonly<Record<string, (buffer: EditBuffer) => void>> = {
  left: (buffer) => buffer.left(),
  'ctrl-b': (buffer) => buffer.left(),
  right: (buffer) => buffer.right(),
  'ctrl-f': (buffer) => buffer.right(),
  'ctrl-left': (buffer) => buffer.wordLeft(),
  'meta-left': (buffer) => buffer.wordLeft(),
  'meta-b': (buffer) => buffer.wordLeft(),
  'ctrl-right': (buffer) => buffer.wordRight(),
  'meta-right': (buffer) => buffer.wordRight(),
  'meta-f': (buffer) => buffer.wordRight(),
  home: (buffer) => buffer.lineStart(),
  'ctrl-a': (buffer) => buffer.lineStart(),
  end: (buffer) => buffer.lineEnd(),
  'ctrl-e': (buffer) => buffer.lineEnd(),
  'ctrl-home': (buffer) => buffer.textStart(),
  'ctrl-end': (buffer) => buffer.textEnd(),
  backspace: (buffer) => buffer.backspace(),
  'ctrl-h': (buffer) => buffer.backspace(),
  delete: (buffer) => buffer.delete(),
  'ctrl-k': (buffer) => buffer.killToLineEnd(),
  'ctrl-u': (buffer) => buffer.killToLineStart(),
  'ctrl-w': (buffer) => buffer.killWordBefore(),
  'meta-backspace': (buffer) => buffer.killWordBefore(),
  'meta-d': (buffer) => buffer.killWordAfter(),
  'ctrl-y': (buffer) => buffer.yank(),
  'ctrl-_': (buffer) => buffer.undo(),
  'ctrl-z': (buffer) => buffer.undo(),
  'meta-return': (buffer) => buffer.insert('\n'),
};

const isPrintable = (text: string): boolean =>
  text !== '' && text !== '\t' && text !== '\n' && printable(text) === text;

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? '';
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}
