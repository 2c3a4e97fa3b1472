/**
 * Trash as HDFS keeps it: by convention, with moves. What a user throws away goes to `/user/NAME/.Trash/Current` under its whole
 * path; from time to time `Current` is renamed to the time, and folders so named go when they are old enough.
 */

import { entries, get } from './ordered-map.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { pathOf, resolveLive, targetOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { FolderNode, Namespace, Time } from './state.ts';

/** Only its owner looks into it. */
export const TRASH_MODE = 0o700;

const CURRENT = 'Current';

export const trashOf = (user: string): string => `/user/${user}/.Trash`;

export type TrashPlan =
  /** Make the folder (with TRASH_MODE), then rename to exactly the target. */
  | { readonly kind: 'move'; readonly folder: string; readonly target: string }
  /** It lies in the trash already: there is nothing left but to delete it. */
  | { readonly kind: 'delete' };

/** How something gets into the trash of a user. Names taken there get the time behind them. */
export function planTrash(state: Namespace, path: string, user: string, now: Time): TrashPlan | Refusal {
  const at = resolveLive(state, path);
  if (at.kind === 'refused') return at;
  if (!targetOf(at)) return refuse('FileNotFoundException', `File does not exist: ${at.path}`);
  const trash = trashOf(user);
  if (at.path === trash || at.path.startsWith(`${trash}/`)) return { kind: 'delete' };
  if (at.path === '/' || trash.startsWith(`${at.path}/`)) {
    return refuse('IOException', `Cannot move "${at.path}" to the trash, as it contains the trash`);
  }
  const names = [...trash.split('/').slice(1), CURRENT, ...at.names];
  const place = resolveLive(state, pathOf(names));
  // A file thrown away earlier may stand where a folder of this path has to be.
  const taken = place.kind === 'refused' ? fileAbove(state, names) : existingTarget(place);
  if (taken !== undefined) names[taken] = `${names[taken]}${now}`;
  return { kind: 'move', folder: pathOf(names.slice(0, -1)), target: pathOf(names) };
}

const existingTarget = (at: Resolved): number | undefined => (targetOf(at) ? at.names.length - 1 : undefined);

function fileAbove(state: Namespace, names: readonly string[]): number | undefined {
  let folder: FolderNode = state.root;
  for (const [i, name] of names.entries()) {
    const inode = get(folder.children, name);
    if (inode?.kind === 'file') return i;
    if (!inode) return undefined;
    folder = inode;
  }
  return undefined;
}

/** The renames that put by what was thrown away until now, for every user. */
export function trashCheckpoints(state: Namespace, now: Time): readonly { source: string; target: string }[] {
  const stamp = trashMark(now);
  return users(state).flatMap((user) => {
    const trash = trashOf(user);
    const at = resolveLive(state, `${trash}/${CURRENT}`);
    return at.kind === 'resolved' && targetOf(at) ? [{ source: at.path, target: `${trash}/${stamp}` }] : [];
  });
}

/** The folders put by before a time, which may now be deleted. */
export function expiredTrash(state: Namespace, before: Time): readonly string[] {
  return users(state).flatMap((user) => {
    const at = resolveLive(state, trashOf(user));
    const folder = at.kind === 'resolved' ? targetOf(at) : undefined;
    if (folder?.kind !== 'folder') return [];
    return checkpointNames(folder)
      .filter((name) => trashMarkTime(name)! < before)
      .map((name) => `${trashOf(user)}/${name}`);
  });
}

function users(state: Namespace): readonly string[] {
  const folder = get(state.root.children, 'user');
  return folder?.kind === 'folder' ? namesIn(folder) : [];
}

const checkpointNames = (folder: FolderNode): readonly string[] =>
  namesIn(folder).filter((name) => trashMarkTime(name) !== undefined);

const namesIn = ({ children }: FolderNode): readonly string[] => [...entries(children)].map(([name]) => name);

/** What is put by is called after the time: `yyMMddHHmmss`, in UTC. */
export const trashMark = (time: Time): string => new Date(time).toISOString().replaceAll(/\D/g, '').slice(2, 14);

/** The time that a name says; undefined of another name. */
export function trashMarkTime(name: string): Time | undefined {
  if (!/^\d{12}$/.test(name)) return undefined;
  const [year, month, day, hour, minute, second] = name.match(/../g)!.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(2_000 + year, month - 1, day, hour, minute, second);
}
