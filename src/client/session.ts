/** What a client remembers between statements, because the server keeps no sessions: every request carries it. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

export type ClientSession = {
  readonly user: string;
  readonly source: string;
  readonly timeZone: string;
  readonly catalog?: string;
  readonly schema?: string;
  readonly path?: string;
  readonly authorizationUser?: string;
  readonly transactionId?: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly prepared: ReadonlyMap<string, string>;
  readonly roles: ReadonlyMap<string, string>;
};

export function newSession(given: Partial<ClientSession> & { readonly user: string }): ClientSession {
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { source: 'tutti', timeZone, properties: new Map(), prepared: new Map(), roles: new Map(), ...given };
}

/** The request headers that tell the server everything remembered. */
export function sessionHeaders(session: ClientSession): OutgoingHttpHeaders {
  const optional = {
    'x-trino-catalog': session.catalog,
    'x-trino-schema': session.schema,
    'x-trino-path': session.path,
    'x-trino-session': pairs(session.properties),
    'x-trino-prepared-statement': pairs(session.prepared),
    'x-trino-role': pairs(session.roles),
  };
  const headers: OutgoingHttpHeaders = {
    'x-trino-user': encodeURIComponent(session.authorizationUser ?? session.user),
    'x-trino-source': session.source,
    'x-trino-time-zone': session.timeZone,
    'x-trino-transaction-id': session.transactionId ?? 'NONE',
    'x-trino-client-capabilities': 'PATH,PARAMETRIC_DATETIME,SESSION_AUTHORIZATION',
  };
  if (session.authorizationUser !== undefined) headers['x-trino-original-user'] = encodeURIComponent(session.user);
  for (const [name, value] of Object.entries(optional)) if (value) headers[name] = value;
  return headers;
}

/** The session after a response whose headers change it; the same object where they do not. */
export function sessionAfter(session: ClientSession, headers: IncomingHttpHeaders): ClientSession {
  let next = session;
  for (const [header, apply] of Object.entries(CHANGES)) {
    const value = headers[header];
    if (value !== undefined) next = apply(next, String(value));
  }
  return next;
}

type Change = (session: ClientSession, value: string) => ClientSession;

const CHANGES: Readonly<Record<string, Change>> = {
  'x-trino-set-catalog': (session, value) => ({ ...session, catalog: decode(value) }),
  'x-trino-set-schema': (session, value) => ({ ...session, schema: decode(value) }),
  'x-trino-set-path': (session, value) => ({ ...session, path: value }),
  'x-trino-set-authorization-user': (session, value) => ({ ...session, authorizationUser: decode(value) }),
  'x-trino-reset-authorization-user': ({ authorizationUser: _reset, ...session }) => session,
  'x-trino-started-transaction-id': (session, value) => ({ ...session, transactionId: value }),
  'x-trino-clear-transaction-id': ({ transactionId: _ended, ...session }) => session,
  'x-trino-set-session': (session, value) => ({ ...session, properties: withPairs(session.properties, value) }),
  'x-trino-clear-session': (session, value) => ({ ...session, properties: withoutNames(session.properties, value) }),
  'x-trino-added-prepare': (session, value) => ({ ...session, prepared: withPairs(session.prepared, value) }),
  'x-trino-deallocated-prepare': (session, value) => ({ ...session, prepared: withoutNames(session.prepared, value) }),
  'x-trino-set-role': (session, value) => ({ ...session, roles: withPairs(session.roles, value) }),
};

const pairs = (map: ReadonlyMap<string, string>): string =>
  [...map].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join(',');

const items = (value: string): string[] => value.split(',').map((item) => item.trim());

function withPairs(map: ReadonlyMap<string, string>, value: string): Map<string, string> {
  const next = new Map(map);
  for (const item of items(value)) {
    const equals = item.indexOf('=');
    if (equals > 0) next.set(decode(item.slice(0, equals)), decode(item.slice(equals + 1)));
  }
  return next;
}

function withoutNames(map: ReadonlyMap<string, string>, value: string): Map<string, string> {
  const names = new Set(items(value).map(decode));
  return new Map([...map].filter(([name]) => !names.has(name)));
}

/** URL-decoded; as it stands where a server did not encode it. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return value;
  }
}
