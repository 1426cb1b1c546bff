// A port of loopback on which connections hang: the kernel's queue is full and nobody takes from it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';

export interface HangingListener {
  readonly url: string;
  close(): Promise<void>;
}

/** A process that listens and then never runs its event loop again. */
const script = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port) + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** Undefined where the kernel lets every connection in. */
export async function startHangingListener(): Promise<HangingListener | undefined> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const fillers: Socket[] = [];
  const close = async () => {
    for (const socket of fillers) socket.destroy();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  for (let i = 0; i < 10; i++) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    fillers.push(socket);
    const connected = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, false)),
    ]);
    if (!connected) return { url: `http://127.0.0.1:${port}`, close };
  }
  await close();
  return undefined;
}
