/** Sizes, times and columns as Hadoop's commands print them. */

import type { Item } from './fs-shell.ts';
import { modeText } from '../../filestore/namespace/permissions.ts';

/** `1.5 K`, in powers of 1,024; what is less is a plain number. */
export function binarySize(bytes: number): string {
  let [value, unit] = [bytes, ''];
  for (const larger of ['K', 'M', 'G', 'T', 'P']) {
    if (Math.abs(value) < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return unit === '' ? String(bytes) : `${value.toFixed(1)} ${unit}`;
}

/** `9 B`, `1.5 KB`. */
export const byteText = (bytes: number): string => `${binarySize(bytes)}${bytes < 1024 ? ' ' : ''}B`;

export const sizeText = (bytes: number, isHuman: boolean): string => (isHuman ? binarySize(bytes) : String(bytes));

/** `2026-11-21 17:56`, in UTC. */
export const minuteText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** `2026-11-21 17:56:01`, in UTC. */
export const secondText = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

/** Lines as `-ls` prints them; `timeOf` chooses which time. */
export function listing(
  items: readonly Item[],
  { isHuman = false, timeOf = (item: Item): number => item.status.mtime } = {},
): readonly string[] {
  const rows = items.map((item) => {
    const { kind, mode, replication, owner, group, length } = item.status;
    const size = sizeText(length, isHuman);
    const replicas = kind === 'folder' ? '-' : String(replication);
    return { item, type: (kind === 'folder' ? 'd' : '-') + modeText(mode), replicas, owner, group, size };
  });
  const width = (of: (row: (typeof rows)[number]) => string, least: number): number =>
    rows.reduce((most, row) => Math.max(most, of(row).length), least);
  const [replicas, owner, group, size] = [
    width((row) => row.replicas, 3),
    width((row) => row.owner, 0),
    width((row) => row.group, 0),
    width((row) => row.size, 10),
  ];
  return rows.map(
    (row) =>
      `${row.type} ${row.replicas.padStart(replicas)} ${row.owner.padEnd(owner)} ${row.group.padEnd(group)} ` +
      `${row.size.padStart(size)} ${minuteText(timeOf(row.item))} ${row.item.path}`,
  );
}

/** Rows under each other; the columns that `rights` names end at the right. */
export function table(
  rows: readonly (readonly string[])[],
  rights: ReadonlySet<number> = new Set(),
): readonly string[] {
  const widths = (rows[0] ?? []).map((_cell, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) =>
        rights.has(i) ? cell.padStart(widths[i]!) : i === row.length - 1 ? cell : cell.padEnd(widths[i]!),
      )
      .join('  '),
  );
}
