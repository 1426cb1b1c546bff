// No token in any log line, answer or upstream request, plain, percent-encoded or as base64, at the most talkative level.

import { expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, type Answer, type RequestOptions } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { eventually, pause } from './support/stack.js';

onEveryMount('tokens', { proxy: { logLevel: 'debug', am: { timeoutMs: 400 } } }, (stack, mount) => {
  it('appear nowhere but in the calls to AM, whatever happens', async () => {
    const { am, upstream, log } = stack();
    const tokens = [
      am.login(),
      am.login('demo', '/alpha'),
      am.login(),
      'AQIC5dead+with/other=letters*',
      'AQIC5line%0d%0abreak*',
      `AQIC${'x'.repeat(9_000)}`,
      'AQIC5with"quote*',
    ];
    const answers: Answer[] = [];
    const send = async (path: string, options?: RequestOptions): Promise<void> => {
      answers.push(await stack().request(path, options));
    };
    const name = am.cookieName;

    async function everything(): Promise<void> {
      for (const token of tokens) {
        const cookie = `${name}=${token}; amlbcookie=01`;
        await send('/api/x?y=1', { headers: { cookie, ...fetchHeaders } });
        await send('/api/page', { headers: { cookie, ...navigationHeaders } });
        await send('/public/x', { headers: { cookie, [name]: token } });
        await send('/api/%2e%2e/x', { headers: { cookie } });
        await send('/session', { headers: { cookie } });
        await send('/session/refresh', { method: 'POST', headers: { cookie } });
        await send('/api/x', { method: 'POST', headers: { cookie, origin: 'https://evil.example' } });
        await send('/logout', { headers: { cookie, ...navigationHeaders } });
        await send('/own/report', { headers: { cookie } });
        await send('/elsewhere', { headers: { cookie } });
      }
      await send('/api/x', { headers: { cookie: tokens.map((token) => `${name}=${token}`).join('; ') } });
    }

    await everything();
    for (const kind of ['garbage', 'reset'] as const) {
      am.fault({ kind });
      await everything();
      am.clearFaults();
    }
    am.fault({ kind: 'status', status: 403 });
    await everything();
    am.fault({ kind: 'status', status: 503, action: 'logout' });
    upstream.answer = (req) => req.socket.destroy();
    await everything();
    for (const token of tokens) {
      await send('/logout', { method: 'POST', headers: { cookie: `${name}=${token}` } });
      await send('/logout', { method: 'POST', headers: { cookie: `${name}=${token}`, ...navigationHeaders } });
    }
    await pause(100);
    if (mount === 'command') await eventually(() => log.length > 1);

    const seen = JSON.stringify(upstream.seen);
    const said = log.join('');
    const answered = JSON.stringify(answers.map(({ rawHeaders, body }) => ({ rawHeaders, body })));
    expect(upstream.seen.length).toBeGreaterThan(10);
    expect(said.length).toBeGreaterThan(100);
    for (const token of tokens) {
      const plain = token.slice(0, 1_000);
      for (const form of [plain, encodeURIComponent(plain), Buffer.from(plain).toString('base64').slice(0, -4)]) {
        // a boolean, so that a failure prints neither the token nor all that was said
        expect({ form: 'in an upstream request', found: seen.includes(form) }).toMatchObject({ found: false });
        expect({ form: 'in the log', found: said.includes(form) }).toMatchObject({ found: false });
        expect({ form: 'in an answer', found: answered.includes(form) }).toMatchObject({ found: false });
      }
    }
  });
});
