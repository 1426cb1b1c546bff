// Listening: the address that came of it, or an error that says which setting asked for it.

import { once } from 'node:events';
import type { Server } from 'node:http';
import { explainListenError, type ListenPlace } from './listen-error.js';

/**
 * Resolves with the server's origin.
 *
 * @throws ListenError, which names the setting
 */
export async function listenOn(server: Server, { host, port, setting }: ListenPlace): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explainListenError(error, { host, port, setting });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}
