/** The plainest client of the statement protocol, for tests: no retries, every row kept, numbers exact. */

export type Answer = {
  readonly columns: readonly { name: string; type: string }[];
  readonly rows: readonly unknown[][];
};

/** A statement that failed, with the protocol's error object. */
export class StatementFailed extends Error {
  readonly code: string;
  readonly type: string;

  constructor(error: { readonly errorName: string; readonly errorType: string; readonly message: string }) {
    super(`${error.errorName}: ${error.message}`);
    this.code = error.errorName;
    this.type = error.errorType;
  }
}

type Page = {
  readonly nextUri?: string;
  readonly columns?: readonly { name: string; type: string }[];
  readonly data?: unknown[][];
  readonly error?: { errorName: string; errorType: string; message: string };
};

/** Numbers whose text a JavaScript number would not give back are kept as text. */
function parsePage(text: string): Page {
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(
    text.replace(token, (part) => (part.startsWith('"') || String(Number(part)) === part ? part : `"${part}"`)),
  ) as Page;
}

export async function runStatement(
  url: string,
  sql: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all = { 'X-Trino-User': 'test', ...headers };
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', body: sql, headers: all });
  let columns: Answer['columns'] = [];
  const rows: unknown[][] = [];
  for (;;) {
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    const page = parsePage(await response.text());
    if (page.error) throw new StatementFailed(page.error);
    columns = page.columns ?? columns;
    for (const row of page.data ?? []) rows.push(row);
    if (!page.nextUri) return { columns, rows };
    response = await fetch(page.nextUri, { headers: all });
  }
}
