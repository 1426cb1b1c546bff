// Stands between the proxy and an AM, changes nothing, and remembers what was asked.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface RelayedCall {
  /** `_action`, or the last part of the path where there is none. */
  readonly action: string;
  readonly token: string | undefined;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly host: string | undefined;
  status: number | undefined;
}

export interface AmRelay {
  /** What the proxy is given as AM's URL. */
  readonly url: string;
  readonly calls: readonly RelayedCall[];
  /** What was asked about one session. */
  about(token: string): readonly RelayedCall[];
  close(): void;
}

/** @param cookieName also the name of the header that carries the token */
export async function startRelay(amUrl: string, cookieName: string): Promise<AmRelay> {
  const target = new URL(amUrl);
  const calls: RelayedCall[] = [];
  const agent = new http.Agent({ keepAlive: true });

  const server = http.createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', target);
    const token = req.headers[cookieName.toLowerCase()];
    const call: RelayedCall = {
      action: searchParams.get('_action') ?? pathname.split('/').at(-1) ?? '',
      token: typeof token === 'string' ? token : undefined,
      at: performance.now(),
      host: req.headers.host,
      status: undefined,
    };
    calls.push(call);
    const { hostname, port } = target;
    const outgoing = http.request(
      // raw: nothing is added, not even a Host
      { hostname, port, path: req.url, method: req.method, headers: req.rawHeaders, agent, setHost: false },
      (incoming) => {
        call.status = incoming.statusCode;
        res.sendDate = false;
        res.writeHead(incoming.statusCode ?? 502, incoming.rawHeaders);
        incoming.pipe(res);
      },
    );
    outgoing.on('error', () => res.destroy());
    req.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`,
    calls,
    about: (token) => calls.filter((call) => call.token === token),
    close() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}
