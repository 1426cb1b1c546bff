// A neighbour: fastify with @fastify/http-proxy, as a process. Its engine is undici, with settings of its own.
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';
import './usage.mjs';

const { upstream } = JSON.parse(process.argv[2]);
const app = fastify({ keepAliveTimeout: 75_000 });
await app.register(proxy, { upstream, prefix: '/api', rewritePrefix: '/api' });
await app.listen({ port: 0, host: '127.0.0.1' });
process.send({ port: app.server.address().port });
