/** A client for the server that a person named, with the session they asked for. */
import os from 'node:os';
import { UsageFailure } from './failures.ts';
import { ProtocolClient } from './protocol-client.ts';
import { newSession } from './session.ts';

export type ConnectOptions = {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly catalog?: string | undefined;
  readonly schema?: string | undefined;
  /** `name=value` */
  readonly properties?: readonly string[] | undefined;
};

export function connect(server: string | URL, options: ConnectOptions = {}): ProtocolClient {
  const url = serverUrl(server);
  const { catalog, schema } = options;
  if (schema !== undefined && catalog === undefined) {
    throw new UsageFailure(`a schema needs its catalog: --catalog NAME --schema ${schema}`);
  }
  const user = options.user ?? (decodeURIComponent(url.username) || userName());
  const password = options.password ?? (decodeURIComponent(url.password) || undefined);
  url.username = '';
  url.password = '';
  const session = newSession({
    user,
    properties: new Map((options.properties ?? []).map(property)),
    ...(catalog !== undefined && { catalog }),
    ...(schema !== undefined && { schema }),
  });
  return new ProtocolClient({ url, session, password });
}

/** `localhost`, `db.example:8443` and whole URLs; without a scheme it is plain HTTP, without a port 8080. */
function serverUrl(server: string | URL): URL {
  const text = String(server);
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageFailure(`"${text}" is no address of a server. Write it as http://host:port`);
  }
  // URL drops a port that is the scheme's own, also one that was written.
  const hasPort = /^[^/?#]*:\d+(?:[/?#]|$)/.test(text);
  if (withScheme !== text && !hasPort) url.port = '8080';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function property(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new UsageFailure(`a session property is written name=value, not "${text}"`);
}

/** The login name; containers may run as a user without one. */
function userName(): string {
  const named = process.env.USER || process.env.LOGNAME;
  if (named) return named;
  try {
    return os.userInfo().username;
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code) return 'tutti';
    throw problem;
  }
}
