/** A TCP proxy that spoils connections where it is told to. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Of one connection: bytes of each direction after which something happens to it. */
export type Spoiling = {
  readonly direction: 'request' | 'answer';
  readonly atByte: number;
  /** `cut`: both sides see an end or a reset. `flip`: one bit there is turned. `halt`: nothing goes on in either direction. */
  readonly how: 'cut' | 'flip' | 'halt';
};

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Every byte that came from a client, of all connections. */
  readonly requests: Buffer[] = [];
  connections = 0;
  /** Asked for each connection. */
  spoil: () => Spoiling | undefined = () => undefined;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => {
      this.connections += 1;
      const server = connect(target);
      const spoiling = this.spoil();
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
      }
      const end = (): void => {
        client.destroy();
        server.destroy();
        this.#sockets.delete(client);
        this.#sockets.delete(server);
      };
      client.on('close', end);
      server.on('close', end);
      client.on('data', (chunk) => this.requests.push(Buffer.from(chunk)));
      relay(client, server, spoiling?.direction === 'request' ? spoiling : undefined, end);
      relay(server, client, spoiling?.direction === 'answer' ? spoiling : undefined, end);
    });
  }

  static async before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections, as a machine that dies. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function relay(from: Socket, to: Socket, spoiling: Spoiling | undefined, cut: () => void): void {
  let passed = 0;
  from.on('data', (chunk: Buffer) => {
    const at = spoiling ? spoiling.atByte - passed : -1;
    passed += chunk.length;
    if (at >= 0 && at < chunk.length) {
      if (spoiling!.how === 'flip') chunk[at]! ^= 1 << (spoiling!.atByte % 8);
      else if (spoiling!.how === 'cut') {
        to.write(chunk.subarray(0, at), cut);
        from.pause();
        return;
      } else {
        from.pause();
        to.pause();
        to.write(chunk.subarray(0, at));
        return;
      }
    }
    if (!to.write(chunk)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
}
