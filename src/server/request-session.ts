/** From a client's headers to what its statement runs with, and from the statement's changes to headers again. */

import type { IncomingHttpHeaders } from 'node:http';
import type { SessionChange, Submission } from '../coordinator/query.ts';

/** Old clients say `X-Presto-`, and expect it back. */
export type HeaderPrefix = 'x-trino-' | 'x-presto-';

export type ClientRequest = {
  readonly prefix: HeaderPrefix;
  /** Undefined when the request names no user. */
  readonly submission: Omit<Submission, 'text' | 'format'> | undefined;
};

export function readClientRequest(headers: IncomingHttpHeaders, serverTimeZone: string): ClientRequest {
  const prefix = headers['x-presto-user'] !== undefined ? 'x-presto-' : 'x-trino-';
  const header = (name: string): string | undefined => {
    const value = headers[prefix + name];
    const text = Array.isArray(value) ? value.join(',') : value;
    return text === '' ? undefined : text;
  };
  const named = header('user');
  // A `+` in a name is a plus: no client writes blanks so.
  const user = (named && decoded(named.replaceAll('+', '%2B'))) ?? basicUser(headers.authorization);
  if (user === undefined) return { prefix, submission: undefined };
  const catalog = header('catalog');
  const schema = header('schema');
  const source = header('source');
  const transactionId = header('transaction-id');
  const capabilities = (header('client-capabilities') ?? '').split(',').map((name) => name.trim());
  const properties = pairs(header('session'));
  const zone = properties.get('time_zone_id') ?? header('time-zone') ?? serverTimeZone;
  return {
    prefix,
    submission: {
      user,
      ...(catalog !== undefined && { catalog: decoded(catalog).toLowerCase() }),
      ...(schema !== undefined && { schema: decoded(schema).toLowerCase() }),
      ...(source !== undefined && { source }),
      ...(transactionId !== undefined && transactionId.toUpperCase() !== 'NONE' && { transactionId }),
      timeZone: zone === '' ? (header('time-zone') ?? serverTimeZone) : zone,
      properties: Object.fromEntries(properties),
      prepared: pairs(header('prepared-statement')),
      millisecondsOnly: !capabilities.includes('PARAMETRIC_DATETIME'),
    },
  };
}

/** Response headers that tell the client how its session changed. */
export function sessionHeaders(changes: readonly SessionChange[], prefix: HeaderPrefix): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const change of changes) {
    const name = `${prefix}${change.kind}`;
    (headers[name] ??= []).push(changeText(change));
  }
  return headers;
}

function changeText(change: SessionChange): string {
  switch (change.kind) {
    case 'set-catalog':
    case 'set-schema':
    case 'started-transaction-id':
      return encodeURIComponent(change.value);
    case 'set-session':
    case 'added-prepare':
      return `${encodeURIComponent(change.name)}=${encodeURIComponent(change.value)}`;
    case 'clear-transaction-id':
      return 'true';
    case 'clear-session':
    case 'deallocated-prepare':
      return encodeURIComponent(change.name);
  }
}

/** `a=1,b=x%20y`: values are URL-encoded. */
function pairs(text: string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text?.split(',') ?? []) {
    const at = part.indexOf('=');
    if (at > 0) found.set(decoded(part.slice(0, at).trim()), decoded(part.slice(at + 1).trim()));
  }
  return found;
}

/** As it is where it is not URL-encoded after all. Some clients write a blank as `+`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (problem) {
    if (problem instanceof URIError) return text;
    throw problem;
  }
}

function basicUser(authorization: string | undefined): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8').split(':')[0] || undefined;
}
