/** The kernel's profile of a statement, as a tree of operators. */

import type { OperatorProfile } from '../exchange/task-protocol.ts';

type KernelProfile = {
  readonly operator_name?: string;
  readonly operator_cardinality?: number;
  /** Seconds. */
  readonly operator_timing?: number;
  readonly extra_info?: Readonly<Record<string, unknown>>;
  readonly children?: readonly KernelProfile[];
  readonly system_peak_buffer_memory?: number;
  readonly system_peak_temp_dir_size?: number;
};

/** Below the statement's own node, which is no operator. */
export function operatorProfile(profile: unknown): OperatorProfile | undefined {
  const [top] = (profile as KernelProfile).children ?? [];
  return top && operator(top);
}

function operator(profile: KernelProfile): OperatorProfile {
  return {
    name: (profile.operator_name ?? '').trim(),
    rows: profile.operator_cardinality ?? 0,
    wallMs: (profile.operator_timing ?? 0) * 1000,
    detail: detail(profile.extra_info ?? {}),
    children: (profile.children ?? []).map(operator),
  };
}

/** Longer ones are lists of files or columns that nobody reads to their end. */
const DETAIL_LENGTH_MAX = 300;

function detail(info: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(info).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return `${name}: ${text.replaceAll(/\s+/g, ' ').trim()}`;
  });
  const text = parts.join('; ');
  return text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX)}…` : text;
}

export type ProfileTotals = { readonly memoryBytes: number; readonly spilledBytes: number };

/** Of the kernel while the statement ran, other statements included. */
export function profileTotals(profile: unknown): ProfileTotals {
  const { system_peak_buffer_memory: memoryBytes, system_peak_temp_dir_size: spilledBytes } = profile as KernelProfile;
  return { memoryBytes: memoryBytes ?? 0, spilledBytes: spilledBytes ?? 0 };
}
