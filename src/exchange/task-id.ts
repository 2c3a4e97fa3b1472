/** Task ids: `query.stage.task`. They become parts of paths, so nothing else gets through. */

export type TaskId = { readonly query: string; readonly stage: number; readonly task: number };

/** Undefined for what is no task id. */
export function parseTaskId(text: string): TaskId | undefined {
  const parts = /^([A-Za-z0-9_-]{1,100})\.(\d{1,9})\.(\d{1,9})$/.exec(text);
  return parts ? { query: parts[1]!, stage: Number(parts[2]), task: Number(parts[3]) } : undefined;
}

export const isQueryId = (text: string): boolean => /^[A-Za-z0-9_-]{1,100}$/.test(text);
