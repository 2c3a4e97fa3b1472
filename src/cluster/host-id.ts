/**
 * Which processes see the same local files: those with the same id. On Linux that is the running system and the process's
 * view of its mounts (another container is another view); elsewhere the machine's name.
 */

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export function hostId(): string {
  return createHash('sha256').update(identity()).digest('hex').slice(0, 16);
}

function identity(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') + readlinkSync('/proc/self/ns/mnt');
  } catch (problem) {
    // Not Linux, or a sandbox without /proc.
    if (problem instanceof Error && 'code' in problem) return hostname();
    throw problem;
  }
}
