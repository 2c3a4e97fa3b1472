/**
 * Pages of other sites must not speak for the person before the screen. Browsers say in `Origin` which page sends a request.
 * It may be one of ours: reached under an address, or under the external URL. A name in `Host` proves nothing, since the
 * owner of a name can let it point at this machine.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** Refuses such requests on all routes of the context. */
export function refuseForeignPages(app: FastifyInstance, externalUrl: string | undefined): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isForeign(request.headers, externalUrl)) return;
    return reply.code(403).send({ error: 'Pages of other sites may not run statements' });
  });
}

/**
 * The same for pages that read: a browser sends no `Origin` with them when the page's own name was let point at this machine. Where only
 * this machine can ask, nobody needs a name but `localhost`, or the external URL's; elsewhere names are what clients call the server.
 */
export function refuseForeignNames(app: FastifyInstance, isLoopback: boolean, externalUrl: string | undefined): void {
  if (!isLoopback) return;
  app.addHook('onRequest', async ({ headers: { host = '' } }, reply) => {
    const isOurs = URL.canParse(`http://${host}`) && isAddress(new URL(`http://${host}`).hostname);
    if (isOurs || (externalUrl !== undefined && URL.canParse(externalUrl) && new URL(externalUrl).host === host))
      return;
    return reply.code(403).send({ error: `This server is not ${host}: ask it as 127.0.0.1, or say --external-url` });
  });
}

function isForeign({ origin, host }: IncomingHttpHeaders, externalUrl: string | undefined): boolean {
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const page = new URL(origin);
  if (externalUrl !== undefined && URL.canParse(externalUrl) && new URL(externalUrl).origin === page.origin) {
    return false;
  }
  return page.host !== host || !isAddress(page.hostname);
}

const isAddress = (hostname: string): boolean =>
  hostname === 'localhost' || hostname.startsWith('[') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname);
