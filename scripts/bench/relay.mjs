// In front of a real OpenAM: counts the calls, and sends the `Host` that OpenAM knows itself by.
import { once } from 'node:events';
import http from 'node:http';

/** @param openam its `url`, and `publicUrl` with the name that it knows */
export async function startRelay({ url, publicUrl = url }) {
  const target = new URL(url);
  const { host } = new URL(publicUrl);
  const agent = new http.Agent({ keepAlive: true, timeout: 4_000 });
  const cookieName = 'iPlanetDirectoryPro';
  let calls = 0;

  const server = http.createServer((req, res) => {
    calls++;
    const { method, headers, url: path } = req;
    const outgoing = http.request(
      { host: target.hostname, port: target.port, method, path, agent, headers: { ...headers, host } },
      (reply) => {
        res.writeHead(reply.statusCode, reply.rawHeaders);
        reply.pipe(res);
      },
    );
    outgoing.once('error', () => res.destroy());
    req.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${server.address().port}${target.pathname}`,
    cookieName,
    get calls() {
      return calls;
    },
    /** OpenAM's own test user. */
    login() {
      const headers = {
        host,
        'content-type': 'application/json',
        'accept-api-version': 'resource=2.0, protocol=1.0',
        'x-openam-username': 'demo',
        'x-openam-password': 'changeit',
      };
      const options = { method: 'POST', agent, headers };
      return new Promise((resolve, reject) => {
        const outgoing = http.request(`${url}/json/authenticate`, options, (reply) => {
          let text = '';
          reply.setEncoding('utf8').on('data', (chunk) => (text += chunk));
          reply.once('end', () => {
            const { tokenId } = JSON.parse(text);
            if (tokenId === undefined) reject(new Error(`OpenAM let nobody in: ${reply.statusCode} ${text}`));
            else resolve(tokenId);
          });
        });
        outgoing.once('error', reject).end();
      });
    },
  };
}
