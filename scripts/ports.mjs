// Ports that are free and stay so: none that the system gives to outgoing connections, for a restart needs them again.
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import net from 'node:net';

const FROM = 20_000;
const TO = 32_000;

export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = randomInt(FROM, TO);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

async function isFree(port) {
  const server = net.createServer();
  try {
    server.listen(port);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
