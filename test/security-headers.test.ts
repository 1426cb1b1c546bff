// The security headers that every answer carries, and what of them depends on the configuration.

import { describe, expect, it } from 'vitest';
import { parseConfig, type Options } from '../src/config.js';
import { computeSecurityHeaders } from '../src/security-headers.js';
import { onEveryMount } from './support/mounted.js';

const am = { url: 'https://am.example.com/am' };
const headersOf = (options: Omit<Options, 'am'> = {}, helmet = {}) =>
  computeSecurityHeaders(parseConfig({ am, ...options }), helmet);
const csp = (options?: Omit<Options, 'am'>) => headersOf(options).get('content-security-policy') ?? '';

describe('the security headers', () => {
  it('forbid sniffing, foreign frames, inline scripts and plug-ins', () => {
    expect(headersOf().get('x-content-type-options')).toBe('nosniff');
    expect(headersOf().get('x-frame-options')).toBe('SAMEORIGIN');
    for (const directive of ["default-src 'self'", "script-src 'self'", "object-src 'none'", "frame-ancestors 'self'"])
      expect(csp().split(';')).toContain(directive);
  });

  it('let pages call AM and post to it', () => {
    expect(csp()).toContain("connect-src 'self' https://am.example.com");
    expect(csp()).toContain("form-action 'self' https://am.example.com");
  });

  it('let the form of a logout lead to each origin that a logout may lead to, once', () => {
    const postLogoutUrls = ['/', 'https://www.example.com/a', 'https://www.example.com/b', 'https://am.example.com/x'];
    expect(csp({ postLogoutUrls }).split(';')).toContain(
      "form-action 'self' https://am.example.com https://www.example.com",
    );
  });

  it('let a submitted form of a signed-out user lead to the login page, wherever it is', () => {
    const loginUrl = 'https://login.example.com/start?realm=/alpha';
    expect(csp({ loginUrl }).split(';')).toContain(
      "form-action 'self' https://am.example.com https://login.example.com",
    );
  });

  it('keep the origin of form posts and the opener of a login window', () => {
    expect(headersOf().get('referrer-policy')).toBe('same-origin');
    expect(headersOf().get('cross-origin-opener-policy')).toBe('same-origin-allow-popups');
  });

  it('insist on https only where the public URL is https', () => {
    for (const publicUrl of [undefined, 'http://127.0.0.1:3000']) {
      expect(headersOf({ publicUrl }).has('strict-transport-security')).toBe(false);
      expect(csp({ publicUrl })).not.toContain('upgrade-insecure-requests');
    }
    const publicUrl = 'https://app.example.com';
    // the domain's other hosts are not ours to decide about
    expect(headersOf({ publicUrl }).get('strict-transport-security')).toBe('max-age=31536000');
    expect(csp({ publicUrl })).toContain('upgrade-insecure-requests');
  });

  it('have the policy that is configured, or none', () => {
    expect(csp({ contentSecurityPolicy: "default-src 'none'" })).toBe("default-src 'none'");
    expect(headersOf({ contentSecurityPolicy: 'none' }).has('content-security-policy')).toBe(false);
  });

  it.each([{ 'img-src': ["'self'", 'https://cdn.example.com'] }, { imgSrc: ["'self'", 'https://cdn.example.com'] }])(
    "have the team's directives of helmet beside the others: %j",
    (directives) => {
      const policy = headersOf({}, { contentSecurityPolicy: { directives } })
        .get('content-security-policy')
        ?.split(';');
      expect(policy).toContain("img-src 'self' https://cdn.example.com");
      expect(policy?.filter((directive) => directive.startsWith('img-src'))).toHaveLength(1);
      expect(policy).toContain("connect-src 'self' https://am.example.com");
      // helmet's own default, which breaks plain http
      expect(policy).not.toContain('upgrade-insecure-requests');
    },
  );

  it('have only the directives of the team where it wants no defaults, and can do without one of ours', () => {
    const bare = { useDefaults: false, directives: { 'default-src': ["'none'"] } };
    expect(headersOf({}, { contentSecurityPolicy: bare }).get('content-security-policy')).toBe("default-src 'none'");
    const without = { directives: { 'style-src': null } };
    expect(headersOf({}, { contentSecurityPolicy: without }).get('content-security-policy')).not.toContain('style-src');
  });

  it('can be a policy that only reports', () => {
    const headers = headersOf({}, { contentSecurityPolicy: { reportOnly: true } });
    expect(headers.has('content-security-policy')).toBe(false);
    expect(headers.get('content-security-policy-report-only')).toContain("connect-src 'self' https://am.example.com");
  });

  it('give way to the helmet options of the team', () => {
    const headers = headersOf(
      { contentSecurityPolicy: "default-src 'none'" },
      { contentSecurityPolicy: false, xFrameOptions: { action: 'deny' } },
    );
    expect(headers.has('content-security-policy')).toBe(false);
    expect(headers.get('x-frame-options')).toBe('DENY');
  });
});

onEveryMount('the security headers', {}, (stack) => {
  it('are the same on our own answers, on errors and on proxied ones', async () => {
    const token = stack().am.login();
    const answers = [
      await stack().as(token, '/api/x'),
      await stack().as(token, '/session'),
      await stack().request('/api/x'),
      await stack().request('/readyz'),
      await stack().request('/public/x'),
      await stack().request('//x'),
    ];
    const expected = computeSecurityHeaders(parseConfig({ am: { url: stack().am.url } }));
    for (const { headers } of answers) expect(headers).toMatchObject(Object.fromEntries(expected));
  });
});
