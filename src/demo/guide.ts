// What the demo says at start: what to open, and what to type.

import type { Config } from '../config.js';

export interface GuideOptions {
  readonly page: string;
  readonly api: string;
  readonly am: Config['am'];
  readonly isSimulator: boolean;
}

/** The text, with an empty line at its end. */
export function guide({ page, api, am, isSimulator }: GuideOptions): string {
  return `am-session-proxy demo

${isSimulator ? withSimulator(page, api, am) : withRealAm(page, api, am)}

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

function withRealAm(page: string, api: string, { url, flavor }: Config['am']): string {
  return `  page      ${page}/
            Open it under a name in the domain of AM's cookie, else the cookie does not reach it:
            "127.0.0.1 demo.example.com" in /etc/hosts, if that domain is example.com. A Secure cookie
            wants https, and AM the address among its Valid goto URL Resources.
  user      one of your AM
  AM        ${url} (yours, flavour ${flavor})
  API       ${api}/api/orders (without the proxy)`;
}
