// A balancer in front of AM, as a process of its own that can be frozen: then even its kernel takes no connection.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { pause } from './stack.js';

export interface Balancer {
  /** AM's URL by way of it. */
  readonly url: string;
  /** What goes on goes no further, and new connections wait to be taken; false: this kernel takes them all. */
  freeze(): Promise<boolean>;
  thaw(): void;
  close(): Promise<void>;
}

/** Passes bytes on. A backlog of one: the kernel takes hardly any connection on its behalf. */
const script = `
  const net = require('node:net');
  net.createServer((socket) => {
    const am = net.connect(Number(process.argv[1]), '127.0.0.1');
    const cut = () => { socket.destroy(); am.destroy(); };
    socket.on('error', cut).on('close', cut).pipe(am);
    am.on('error', cut).on('close', cut).pipe(socket);
  }).listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { process.send(this.address().port); });
`;

const fillersMax = 10;
const connectMs = 200;

/** @param amPort where AM listens, or will */
export async function startBalancer(amPort: number): Promise<Balancer> {
  const child = spawn(process.execPath, ['-e', script, String(amPort)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  const fillers: Socket[] = [];

  async function isTaken(): Promise<boolean> {
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    fillers.push(socket);
    const connected = once(socket, 'connect').then(
      () => true,
      () => false,
    );
    return Promise.race([connected, pause(connectMs).then(() => false)]);
  }

  function thaw(): void {
    for (const socket of fillers.splice(0)) socket.destroy();
    child.kill('SIGCONT');
  }

  return {
    url: `http://127.0.0.1:${port}/am`,
    async freeze() {
      child.kill('SIGSTOP');
      for (let n = 0; n < fillersMax; n++) if (!(await isTaken())) return true;
      return false;
    },
    thaw,
    async close() {
      thaw();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = once(server, 'close');
  server.close();
  await closed;
  return port;
}
