// Which request is the proxy handling? The keeper's events do not say: it knows nothing of HTTP.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

/** Known within the turn in which the server got the request; decisions fall in it. */
export interface CurrentRequest {
  /** Method and path. */
  readonly name: () => string | undefined;
  /** The target as it came. */
  readonly target: () => string | undefined;
  readonly close: () => void;
}

const channel = 'http.server.request.start';
const maxLength = 24;

/** @param isProxy the simulator and the sample API live in this process too: whether a port is the proxy's own */
export function watchRequests(isProxy: (port: number | undefined) => boolean): CurrentRequest {
  let current: IncomingMessage | undefined;

  function started(message: unknown): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what Node documents for this channel
    const { request } = message as { readonly request: IncomingMessage };
    if (!isProxy(request.socket.localPort)) return;
    current = request;
    process.nextTick(() => (current = undefined));
  }

  subscribe(channel, started);
  return {
    name: () => current && nameOf(current),
    target: () => current?.url,
    close: () => void unsubscribe(channel, started),
  };
}

/** Without the query, which may hold what is nobody's business, and without what a terminal would obey. */
function nameOf({ method = '', url = '' }: IncomingMessage): string {
  const path = url.split('?')[0] ?? '';
  const name = `${method} ${path}`.replaceAll(/[^\x20-\x7e]/g, '?');
  return name.length > maxLength ? `${name.slice(0, maxLength - 1)}…` : name;
}
