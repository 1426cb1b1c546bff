// Does an unsafe request come from our own pages? The token-free algorithm of Go's http.CrossOriginProtection.

import type { Config } from './config.js';
import type { RequestLike } from './forwarded.js';

/** `comparedWith`: the host that the request came to, for the log. */
export type OriginVerdict = { readonly allowed: true } | { readonly allowed: false; readonly comparedWith: string };

const ALLOWED: OriginVerdict = Object.freeze({ allowed: true });
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface OriginCheckOptions extends Pick<Config, 'publicUrl' | 'trustedOrigins'> {
  /** `host[:port]` that the request came to, as seen under `TRUST_PROXY`; `''` if there is none. */
  readonly requestHost: (req: RequestLike) => string;
}

/** Only unsafe methods and upgrades are checked: no page may read the answer to the others without CORS. */
export function createOriginCheck({
  publicUrl,
  trustedOrigins,
  requestHost,
}: OriginCheckOptions): (req: RequestLike, isUpgrade: boolean) => OriginVerdict {
  const trusted = new Set(trustedOrigins);
  const publicOrigin = publicUrl === undefined ? undefined : serializeOrigin(publicUrl);

  return (req, isUpgrade) => {
    if (!isUpgrade && SAFE_METHODS.has(req.method)) return ALLOWED;

    const { origin } = req.headers;
    const site = req.headers['sec-fetch-site'];
    if (origin !== undefined && trusted.size > 0 && trusted.has(serializeOrigin(origin))) return ALLOWED;
    if (site !== undefined) {
      // Browsers always send Origin with a WebSocket handshake, so fetch metadata without it is forged or broken.
      const originMissing = isUpgrade && origin === undefined;
      return (site === 'same-origin' || site === 'none') && !originMissing ? ALLOWED : refuse(req);
    }
    // Neither header: no browser, or one older than 2020, whose cross-origin POSTs had an Origin all the same.
    if (origin === undefined) return ALLOWED;
    if (publicOrigin !== undefined && serializeOrigin(origin) === publicOrigin) return ALLOWED;
    return hasHost(origin, requestHost(req)) ? ALLOWED : refuse(req);
  };

  function refuse(req: RequestLike): OriginVerdict {
    return { allowed: false, comparedWith: requestHost(req) };
  }
}

const HTTP_ORIGIN = /^(https?):\/\/([^\s/?#@\\,:[\]]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;

/** In lower case and without the default port; what is no http(s) origin (`null`, an app's scheme, a list) just folded. */
function serializeOrigin(origin: string): string {
  const lower = origin.toLowerCase();
  const [, scheme, host, port] = HTTP_ORIGIN.exec(lower) ?? [];
  if (scheme === undefined || host === undefined || port !== defaultPort(scheme)) return lower;
  return `${scheme}://${host}`;
}

/** Compares without the scheme: behind a proxy that ends TLS only the host is known for sure. */
function hasHost(origin: string, requestHost: string): boolean {
  const [, scheme, host, port] = HTTP_ORIGIN.exec(origin.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined) return false;
  const standard = defaultPort(scheme);
  const explicit = `${host}:${port ?? standard}`;
  const actual = requestHost.toLowerCase();
  return actual === explicit || (actual === host && (port ?? standard) === standard);
}

function defaultPort(scheme: string): string {
  return scheme === 'https' ? '443' : '80';
}
