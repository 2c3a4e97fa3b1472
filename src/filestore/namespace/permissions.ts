/** Who may do what, as the HDFS permissions guide says: nine bits, the sticky bit on folders, and a superuser who may all. */

import { entries, visit } from './ordered-map.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { ancestorOf, pathOf, targetOf } from './resolve.ts';
import type { Resolved } from './resolve.ts';
import type { FolderNode, Inode } from './state.ts';

export type Caller = { readonly user: string; readonly groups: readonly string[]; readonly superuser: boolean };

/** Whom a new store belongs to; doors that take a name on trust give this one everything, as HDFS does with its own. */
export const STORE_OWNER = 'tutti';

export const [READ, WRITE, EXECUTE] = [4, 2, 1];

/** The bit of a folder in which only owners take away what is theirs. */
export const STICKY = 0o1000;

/** Files and folders that `passBelow` looks at in one go. */
const LOOKS_PER_STEP = 2_000;

const ACCESS_NAMES = ['NONE', 'EXECUTE', 'WRITE', 'WRITE_EXECUTE', 'READ', 'READ_EXECUTE', 'READ_WRITE', 'ALL'];

/** That all folders above the target can be passed through. Every request needs it. */
export function checkTraverse(at: Resolved, caller: Caller): Refusal | undefined {
  if (caller.superuser) return undefined;
  const last = Math.min(at.chain.length, at.names.length);
  for (let i = 0; i < last; i++) {
    const denied = checkAccess(at.chain[i]!, pathOf(at.names.slice(0, i)), caller, EXECUTE);
    if (denied) return denied;
  }
  return undefined;
}

/** Access to what the path names; nothing to check where nothing is. */
export function checkTarget(at: Resolved, caller: Caller, access: number): Refusal | undefined {
  const inode = targetOf(at);
  return inode && checkAccess(inode, at.path, caller, access);
}

/** That something may be made below the last folder that exists. */
export const checkAncestor = (at: Resolved, caller: Caller): Refusal | undefined =>
  checkAccess(ancestorOf(at), pathOf(at.names.slice(0, Math.min(at.chain.length, at.names.length) - 1)), caller, WRITE);

/** That the target may be taken out of its folder. */
export function checkRemoval(at: Resolved, caller: Caller): Refusal | undefined {
  const inode = targetOf(at);
  const parent = at.chain[at.names.length - 1];
  if (caller.superuser || !inode || !parent) return undefined;
  const { attributes } = parent;
  if ((attributes.mode & STICKY) !== 0 && attributes.owner !== caller.user && inode.attributes.owner !== caller.user) {
    return refuse(
      'AccessControlException',
      `Permission denied by sticky bit: user=${caller.user}, path=${described(inode, at.path)}, parent=${described(parent, pathOf(at.names.slice(0, -1)))}`,
    );
  }
  return checkAccess(parent, pathOf(at.names.slice(0, -1)), caller, WRITE);
}

/**
 * Access to all folders below (and including) one that is not empty. Folders without folders below them are not walked, nor those in
 * `passed`: the same caller has the same access to all below them, since a folder is a value.
 */
export function checkBelow(
  folder: FolderNode,
  path: string,
  caller: Caller,
  access: number,
  passed?: PassedFolders,
): Refusal | undefined {
  if (caller.superuser || folder.children.size === 0 || passed?.has(folder) === true) return undefined;
  let denied = checkAccess(folder, path, caller, access);
  if (denied || folder.folders === 0) return denied;
  visit(folder.children, undefined, (name, child) => {
    if (child.kind === 'folder')
      denied = checkBelow(child, path === '/' ? `/${name}` : `${path}/${name}`, caller, access, passed);
    return !denied;
  });
  return denied;
}

/** Of one caller and one access. */
export type PassedFolders = { readonly has: (folder: FolderNode) => boolean };

/** The same walk in steps of some milliseconds. It ends at the first folder without access, which `checkBelow` finds and names. */
export function* passBelow(top: FolderNode, caller: Caller, access: number): Generator<void, PassedFolders, void> {
  const passed = new Set<FolderNode>();
  let looks = 0;
  yield* walk(top);
  return passed;

  function* walk(folder: FolderNode): Generator<void, boolean, void> {
    if (folder.children.size > 0) {
      if ((bitsFor(folder, caller) & access) !== access) return false;
      for (const [, child] of folder.folders > 0 ? entries(folder.children) : []) {
        looks += 1;
        if (looks % LOOKS_PER_STEP === 0) yield;
        if (child.kind === 'folder' && !(yield* walk(child))) return false;
      }
    }
    passed.add(folder);
    return true;
  }
}

export function checkOwner(at: Resolved, caller: Caller): Refusal | undefined {
  const inode = targetOf(at);
  if (caller.superuser || !inode || inode.attributes.owner === caller.user) return undefined;
  return refuse(
    'AccessControlException',
    `Permission denied. user=${caller.user} is not the owner of inode=${described(inode, at.path)}`,
  );
}

export function checkSuperuser(caller: Caller): Refusal | undefined {
  if (caller.superuser) return undefined;
  return refuse('AccessControlException', `Access denied for user ${caller.user}. Superuser privilege is required`);
}

function checkAccess(inode: Inode, path: string, caller: Caller, access: number): Refusal | undefined {
  if (caller.superuser || (bitsFor(inode, caller) & access) === access) return undefined;
  return refuse(
    'AccessControlException',
    `Permission denied: user=${caller.user}, access=${ACCESS_NAMES[access]}, inode=${described(inode, path)}`,
  );
}

/** Of the three triples only the first that is meant for the caller counts. */
function bitsFor({ attributes }: Inode, caller: Caller): number {
  if (attributes.owner === caller.user) return attributes.mode >> 6;
  return caller.groups.includes(attributes.group) ? attributes.mode >> 3 : attributes.mode;
}

function described(inode: Inode, path: string): string {
  const { owner, group, mode } = inode.attributes;
  return `"${path}":${owner}:${group}:${inode.kind === 'folder' ? 'd' : '-'}${modeText(mode)}`;
}

/** `rwxr-xr-t` */
export function modeText(mode: number): string {
  let text = '';
  for (let i = 0; i < 9; i++) text += (mode & (0o400 >> i)) === 0 ? '-' : 'rwx'.charAt(i % 3);
  return (mode & STICKY) === 0 ? text : text.slice(0, 8) + (text.endsWith('x') ? 't' : 'T');
}
