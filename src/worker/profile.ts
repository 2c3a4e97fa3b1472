/** The kernel's profile of a statement, as a tree of operators. */

import type { OperatorProfile } from '../exchange/task-protocol.ts';

type KernelProfile = {
  readonly operator_name?: string;
  readonly operator_cardinality?: number;
  /** Seconds. */
  readonly operator_timing?: number;
  readonly extra_info?: Readonly<Record<string, string | readonly string[]>>;
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
  const {
    operator_name: name = '',
    operator_cardinality: rows = 0,
    operator_timing: seconds = 0,
    extra_info,
  } = profile;
  const children = (profile.children ?? []).map(operator);
  const self = { name: name.trim(), rows, wallMs: seconds * 1000, detail: detail(extra_info ?? {}), children };
  // The kernel stacks projections that pass columns through; one line for them is enough.
  const [only] = children;
  if (self.name !== 'PROJECTION' || only?.name !== 'PROJECTION') return self;
  return { ...self, wallMs: self.wallMs + only.wallMs, children: only.children };
}

/** What tells two operators of one kind apart. Columns and estimates are the plan's to tell, and the plan tells them better. */
const DETAILS: readonly (readonly [key: string, label: string])[] = [
  ['Join Type', ''],
  ['Conditions', 'on '],
  ['Expression', ''],
  ['Filters', ''],
  ['Top', ''],
  ['Order By', 'by '],
  ['Total Files Read', 'files: '],
];

/** Longer predicates stand in the plan already. */
const DETAIL_LENGTH_MAX = 80;

function detail(info: NonNullable<KernelProfile['extra_info']>): string {
  const parts = DETAILS.flatMap(([key, label]) => {
    const values = [info[key] ?? []].flat();
    const text = values.map(readable).filter(Boolean).join(', ');
    return text === '' ? [] : `${label}${text}`;
  });
  const text = parts.join(' ');
  return text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX - 1)}…` : text;
}

/** Without the names that rendering made up, and without the row numbers that splits are cut by. */
const readable = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\bunnamed_subquery\d*\./g, '')
    .replaceAll(/\bfile_row_number ?[<>]=? ?\d+(?: AND )?/g, '')
    .replace(/ AND $/, '')
    .trim();

export type ProfileTotals = { readonly memoryBytes: number; readonly spilledBytes: number };

/** Of the kernel while the statement ran, other statements included. */
export function profileTotals(profile: unknown): ProfileTotals {
  const { system_peak_buffer_memory: memoryBytes, system_peak_temp_dir_size: spilledBytes } = profile as KernelProfile;
  return { memoryBytes: memoryBytes ?? 0, spilledBytes: spilledBytes ?? 0 };
}
