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
