/** The line that lives on a terminal while a query runs: stages, splits, rows, bytes, seconds. */
import type { QueryStats, StageStats } from './protocol-client.ts';
import { bytesText, countText, plural, secondsText } from './quantities.ts';
import type { Style } from './style.ts';

/** Quick answers come without a flicker. */
const SHOW_AFTER_MS = 250;
const REDRAW_MS = 100;

export type ProgressTerminal = {
  readonly columns?: number | undefined;
  write(text: string): unknown;
};

export class ProgressLine {
  readonly #terminal: ProgressTerminal;
  readonly #paint: Style;
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  #stats: QueryStats | undefined;
  #shown = false;
  #note = '';

  constructor(terminal: ProgressTerminal, paint: Style) {
    this.#terminal = terminal;
    this.#paint = paint;
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  update(stats: QueryStats): void {
    this.#stats = stats;
  }

  /** A word at the end of the line, such as "cancelling". */
  note(text: string): void {
    this.#note = text;
    if (this.#shown) this.#draw();
  }

  /** Removes the line for good. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#shown) this.#terminal.write('\r\u001b[K');
    this.#shown = false;
  }

  #draw(): void {
    const elapsed = performance.now() - this.#started;
    if (elapsed < SHOW_AFTER_MS) return;
    const frame = FRAMES[Math.floor(elapsed / REDRAW_MS) % FRAMES.length]!;
    const text = [progressText(this.#stats, elapsed), this.#note].filter(Boolean).join(' · ');
    const room = (this.#terminal.columns ?? 80) - 3;
    const cut = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    this.#terminal.write(`\r${this.#paint.cyan(frame)} ${this.#paint.dim(cut)}\u001b[K`);
    this.#shown = true;
  }
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function progressText(stats: QueryStats | undefined, elapsedMs: number): string {
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`;
  if (!stats) return `sending · ${seconds}`;
  const parts = [STATES[stats.state] ?? stats.state.toLowerCase().replaceAll('_', ' ')];
  const stages = allStages(stats.rootStage);
  if (stages.length > 0) {
    const done = stages.filter((stage) => stage.done || stage.state === 'FINISHED').length;
    parts.push(`stages ${done}/${stages.length}`);
  }
  if (stats.totalSplits) {
    const running = stats.runningSplits ? ` (${stats.runningSplits} running)` : '';
    parts.push(`splits ${stats.completedSplits ?? 0}/${stats.totalSplits}${running}`);
  }
  if (stats.processedRows) parts.push(plural(stats.processedRows, 'row'));
  if (stats.processedBytes) parts.push(bytesText(stats.processedBytes));
  parts.push(seconds);
  const percent = stats.progressPercentage;
  if (typeof percent === 'number' && percent > 0 && percent < 100) parts.push(`${Math.floor(percent)} %`);
  return parts.join(' · ');
}

const STATES: Readonly<Record<string, string>> = { WAITING_FOR_RESOURCES: 'waiting for workers' };

/** One line about a query that ended: what it read and how long it took. */
export function summaryText(stats: QueryStats, rows: number | undefined, elapsedMs: number): string {
  const parts = rows === undefined ? [] : [plural(rows, 'row')];
  const scanned = stats.processedRows ?? 0;
  if (scanned > 0) {
    const bytes = stats.physicalInputBytes || stats.processedBytes || 0;
    parts.push(`${countText(scanned)} rows${bytes > 0 ? `, ${bytesText(bytes)}` : ''} read`);
  }
  parts.push(secondsText(elapsedMs));
  return parts.join(' · ');
}

export function allStages(root: StageStats | null | undefined): StageStats[] {
  if (!root) return [];
  return [root, ...(root.subStages ?? []).flatMap(allStages)];
}
