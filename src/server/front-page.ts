/** What `/` says to who opens a server's address in a browser or with curl: what this is and how to ask it something. */

import type { FastifyInstance } from 'fastify';
import { baseUrl } from './base-url.ts';

export type FrontPageOptions = {
  readonly version: string;
  readonly externalUrl?: string;
};

export function frontPage(app: FastifyInstance, { version, externalUrl }: FrontPageOptions): void {
  app.get('/', (request, reply) => {
    const url = baseUrl(request, externalUrl);
    const facts = { name: 'Tutti', version, protocol: 'Trino', info: `${url}/v1/info`, connect: `tutti --url ${url}` };
    reply.header('vary', 'accept');
    if (request.headers.accept?.includes('text/html') !== true) {
      return reply.type('application/json').send(`${JSON.stringify(facts, undefined, 2)}\n`);
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'")
      .send(html(facts));
  });
}

const html = ({
  version,
  info,
  connect,
}: {
  version: string;
  info: string;
  connect: string;
}): string => `<!doctype html>
<html lang="en">
<head><title>Tutti</title></head>
<body>
<h1>Tutti ${text(version)}</h1>
<p>A distributed SQL warehouse. This address is for its clients, and for clients of Trino:</p>
<pre>${text(connect)}</pre>
<p>What it says about itself: <a href="${text(info)}">${text(info)}</a></p>
</body>
</html>
`;

const text = (raw: string): string => raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
