// What the demo says at start: what to open, and what to type.

import type { Config } from '../config.js';

export interface GuideOptions {
  readonly page: string;
  readonly api: string;
  readonly am: Config['am'];
  readonly isSimulator: boolean;
  /** Of AM's cookie; undefined: AM has not said. */
  readonly domains: readonly string[] | undefined;
}

/** The text, with an empty line at its end. */
export function guide({ page, api, am, isSimulator, domains }: GuideOptions): string {
  return `am-session-proxy demo

${isSimulator ? withSimulator(page, api, am) : withRealAm(page, api, am, domains)}

AM takes note of activity every ${am.updateFrequencyS} s. Every decision of the proxy follows, a line each; Ctrl+C ends the demo.

`;
}

function withSimulator(page: string, api: string, { url, flavor, realm }: Config['am']): string {
  // the simulator's realms are one level deep
  const realmPath = realm === '/' ? '/realms/root' : `/realms/root/realms${realm}`;
  return `  page      ${page}/
  user      demo
  password  changeit
  AM        ${url} (simulator, flavour ${flavor})
  journal   ${url}/__journal (what AM was asked)
  API       ${api}/api/orders (without the proxy)

  with curl:
    curl -s -o /dev/null --cookie-jar jar -X POST ${url}/json${realmPath}/authenticate \\
      -H 'X-OpenAM-Username: demo' -H 'X-OpenAM-Password: changeit' -H 'Content-Type: application/json'
    curl --cookie jar ${page}/api/orders
    curl --cookie jar ${page}/session
    curl --cookie jar -X POST ${page}/logout`;
}

function withRealAm(page: string, api: string, am: Config['am'], domains: GuideOptions['domains']): string {
  return `  page      ${page}/
            ${howToReach(page, am.publicUrl, domains)}
            AM must have this address among its Valid goto URL Resources, and a cookie that is Secure comes to https only.
  user      one of your AM
  AM        ${am.url} (yours, flavour ${am.flavor})
  API       ${api}/api/orders (without the proxy)`;
}

/** Under which name AM's cookie comes to the page. */
function howToReach(page: string, publicUrl: string, domains: GuideOptions['domains']): string {
  const { hostname, protocol, port } = new URL(page);
  if (domains?.length === 0) {
    const amHost = new URL(publicUrl).hostname;
    return amHost === hostname
      ? `AM names no domain for its cookie, which comes to ${amHost} alone: open the page under this name.`
      : `AM names no domain for its cookie, which comes to ${amHost} alone, and not to this page: set one in AM.`;
  }
  const name = `demo.${domains?.[0] ?? "DOMAIN-OF-AM'S-COOKIE"}`;
  return `AM's cookie has to reach it: add "127.0.0.1 ${name}" to /etc/hosts, and open ${protocol}//${name}:${port}/`;
}
