// The requests of the load, as a browser sends them, and what must come back.

const small = 1_024;

/** `length` of the answer's body; `least` requests make a round: fewer would tell more of the machine than of the proxy. */
export const workloads = {
  'GET 1 KB': { method: 'GET', path: '/api/small?page=2&sort=name', length: small, least: 3_000 },
  'GET 100 KB': { method: 'GET', path: '/api/large', length: 100 * 1_024, least: 1_200 },
  'POST 1 KB': { method: 'POST', path: '/api/items', length: small, body: small, least: 3_000 },
};

/** The run of a load, all answers of which must be right. */
export function rightly(run) {
  if (Object.keys(run.failures).length > 0) throw new Error(`wrong answers: ${JSON.stringify(run.failures)}`);
  return run;
}

/** One request of a signed-in user: whole, with its body. */
export function requestBytes({ workload, host, cookieName, token }) {
  const { method, path, body = 0 } = workloads[workload];
  const origin = `http://${host}`;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: keep-alive',
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-mobile: ?0',
    'sec-ch-ua-platform: "Linux"',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Accept: application/json, text/plain, */*',
    ...(body > 0 ? ['Content-Type: application/json', `Content-Length: ${body}`, `Origin: ${origin}`] : []),
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: cors',
    'Sec-Fetch-Dest: empty',
    `Referer: ${origin}/app/orders`,
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-US,en;q=0.9,de;q=0.8',
    `Cookie: _ga=GA1.1.1234567890.1700000000; theme=dark; ${cookieName}=${token}; amlbcookie=01; app=s%3A4f1d0c2b`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${'x'.repeat(body)}`, 'latin1');
}
