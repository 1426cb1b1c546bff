// The metrics page where nodes share a Redis: whether it is there, what it is asked, how long it takes.

import { expect, it, onTestFinished } from 'vitest';
import { fetchHeaders, request } from './support/http.js';
import { scrape } from './support/metrics.js';
import { describeWith } from './support/programs.js';
import { startRedis } from './support/redis.js';
import { startServing, stop } from './support/serving.js';
import { eventually, startStack } from './support/stack.js';

describeWith(['redis-server'], 'the metrics page of a node with Redis', () => {
  it('tells that Redis is there, that it is gone, and that it is back', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const stack = await startStack();
    onTestFinished(() => stack.close());
    const { command, url, cookie } = await startServing(stack, { ADMIN_PORT: '0', REDIS_URL: redis.url });
    onTestFinished(async () => void (await stop(command)));
    const metricsUrl = await command.says(/serves metrics on (\S+)/);
    const read = async (name: string, labels?: Record<string, string>) =>
      (await scrape(metricsUrl)).sum(`am_session_proxy_redis_${name}`, labels);
    const work = async (token = stack.am.login()) =>
      expect((await request(url, '/api/x', { headers: cookie(token) })).status).toBe(200);

    await eventually(async () => (await read('up')) === 1);
    await work();
    await eventually(async () => ((await read('operations_total', { operation: 'claim', outcome: 'ok' })) ?? 0) > 0);
    expect(await read('operation_duration_seconds_count', { operation: 'claim' })).toBeGreaterThan(0);
    expect(await read('operations_total', { outcome: 'skipped' })).toBe(0);

    await redis.kill();
    // a node notices it when it asks Redis next
    await work();
    await eventually(async () => (await read('up')) === 0);
    const leaver = { ...cookie(stack.am.login()), ...fetchHeaders };
    expect((await request(url, '/logout', { method: 'POST', headers: leaver })).status).toBe(200);
    expect(await read('operations_total', { operation: 'end', outcome: 'skipped' })).toBe(1);

    await redis.start();
    await eventually(async () => (await read('up')) === 1, 15_000);
    await work();
  });
});
