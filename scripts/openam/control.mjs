// Lets tests stop OpenAM and start it again: POST /stop, POST /start, answered when it is done.
import { once } from 'node:events';
import http from 'node:http';

export async function startControl(am) {
  const actions = { '/stop': am.stop, '/start': am.restart };
  const server = http.createServer((req, res) => {
    const action = req.method === 'POST' ? actions[req.url] : undefined;
    if (action === undefined) return void res.writeHead(404).end();
    action().then(
      () => res.writeHead(204).end(),
      (error) => res.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}` };
}
