/** One request at a time with the statement protocol, and every answer kept: for tests of the answers themselves. */

export type Column = { readonly name: string; readonly type: string; readonly typeSignature: object };

export type Body = {
  readonly id: string;
  readonly infoUri: string;
  readonly nextUri?: string;
  readonly columns?: readonly Column[];
  readonly data?: readonly (readonly unknown[])[];
  readonly stats: Readonly<Record<string, unknown>>;
  readonly warnings: readonly unknown[];
  readonly updateType?: string;
  readonly error?: {
    readonly message: string;
    readonly errorCode: number;
    readonly errorName: string;
    readonly errorType: string;
    readonly errorLocation?: { readonly lineNumber: number; readonly columnNumber: number };
    readonly failureInfo: object;
  };
};

export type Headers = Readonly<Record<string, string>>;
export type Page = { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: Body };

const USER = { 'X-Trino-User': 'test' };

export async function request(url: string, init: RequestInit = {}): Promise<Page> {
  const response = await fetch(url, { ...init, headers: { ...USER, ...(init.headers as Headers | undefined) } });
  const text = await response.text();
  const isJson = text !== '' && response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    body: (isJson ? JSON.parse(text) : {}) as Body,
  };
}

export const submit = (server: string, sql: string, headers: Headers = {}): Promise<Page> =>
  request(`${server}/v1/statement`, { method: 'POST', body: sql, headers });

/** All answers to a statement, in order. */
export async function pages(server: string, sql: string, headers: Headers = {}): Promise<readonly [Page, ...Page[]]> {
  const first = await submit(server, sql, headers);
  const rest: Page[] = [];
  for (let page = first; page.body.nextUri !== undefined; rest.push(page)) {
    page = await request(page.body.nextUri, { headers });
  }
  return [first, ...rest];
}

/** What a statement comes to, with the headers of all its answers that change the session. */
export async function run(
  server: string,
  sql: string,
  headers: Headers = {},
): Promise<Body & { readonly session: Headers; readonly rows: readonly (readonly unknown[])[] }> {
  const all = await pages(server, sql, headers);
  const changes = all.flatMap((page) =>
    Object.entries(page.headers).filter(([name]) => /^x-(trino|presto)-/.test(name)),
  );
  const columns = all.find(({ body }) => body.columns)?.body.columns;
  return {
    ...all.at(-1)!.body,
    ...(columns && { columns }),
    session: Object.fromEntries(changes),
    rows: all.flatMap(({ body }) => body.data ?? []),
  };
}

/** The error a statement fails with. */
export async function failure(server: string, sql: string, headers: Headers = {}): Promise<string> {
  const { error } = await run(server, sql, headers);
  return error ? `${error.errorName}: ${error.message}` : 'no error';
}
