/**
 * The address under which a client reaches this server, for the links in its answers. A reverse proxy says it in
 * `X-Forwarded-Proto`, `-Host` and `-Port`; else it is what the client itself called (`Host`); both only when they are
 * plain names or addresses, so that a hostile header cannot put anything else into a link. With neither, the socket's
 * own address. The server's option `--external-url` overrides all of them for proxies that say nothing.
 */

export type RequestAddress = {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly localAddress?: string | undefined; readonly localPort?: number | undefined };
};

/** Without a slash at its end. */
export function baseUrl(request: RequestAddress, externalUrl?: string): string {
  if (externalUrl !== undefined) return externalUrl.replace(/\/+$/, '');
  const { headers, socket } = request;
  const proto = first(headers['x-forwarded-proto'])?.toLowerCase();
  const scheme = proto === 'https' ? 'https' : 'http';
  const forwarded = validHost(first(headers['x-forwarded-host']));
  const host = forwarded ?? validHost(first(headers['host'])) ?? socketHost(socket);
  const port = first(headers['x-forwarded-port']);
  const hasPort = /:\d+$/.test(host);
  const standard = scheme === 'https' ? '443' : '80';
  const addPort = forwarded !== undefined && !hasPort && port !== undefined && validPort(port) && port !== standard;
  return `${scheme}://${host}${addPort ? `:${port}` : ''}`;
}

/** Of several proxies the first one is the client's. */
const first = (value: string | string[] | undefined): string | undefined =>
  (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();

// A name, an IPv4 address or an IPv6 address in brackets, perhaps with a port.
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i;

function validHost(host: string | undefined): string | undefined {
  const match = host === undefined ? null : HOST.exec(host);
  return match && (match[1] === undefined || validPort(match[1])) ? host : undefined;
}

const validPort = (port: string): boolean => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;

function socketHost({ localAddress = '127.0.0.1', localPort }: RequestAddress['socket']): string {
  const address = localAddress.replace(/^::ffff:/, '');
  const host = address.includes(':') ? `[${address}]` : address;
  return localPort === undefined ? host : `${host}:${localPort}`;
}
