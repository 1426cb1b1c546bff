// The login page under XUI/: one plain HTML form that honours goto and ForceAuth.

import { type Am, type AmRequest, header } from './am.js';
import { type Answer, escapeHtml } from './answers.js';
import { logIn, passwordFits } from './authenticate.js';
import { findRealm } from './realms.js';

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f1f3f6, #16191d); }
main { box-sizing: border-box; width: min(24rem, 100%); padding: 2rem; border-radius: .75rem;
  background: light-dark(#fff, #22272e); color: light-dark(#1c2733, #e6e9ed); box-shadow: 0 1px 12px #0003; }
h1 { margin: 0; font-size: 1.375rem; }
p { margin: .5rem 0 1.25rem; color: light-dark(#4a5763, #b3bcc6); overflow-wrap: anywhere; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; padding: .625rem .75rem; font: inherit; border-radius: .375rem; }
input { border: 1px solid light-dark(#6b7885, #8b97a4); background: light-dark(#fff, #16191d); color: inherit; }
button { margin-top: 1.5rem; border: 0; background: #0b5cad; color: #fff; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid #f5a623; outline-offset: 2px; }
a { color: light-dark(#0b5cad, #7db8f0); }
.error { padding: .625rem .75rem; border-radius: .375rem; background: light-dark(#fdecea, #4a1d1d); color: light-dark(#8a1c12, #ffd7d3); }
`;

// No form-action: browsers apply it to the redirect after the form too, and that leads to the application.
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
};

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;

interface FormState {
  readonly action: string;
  readonly realm: string;
  readonly username: string;
  readonly failed: boolean;
}

function form({ action, realm, username, failed }: FormState): string {
  const error = failed
    ? '<p class="error" role="alert" id="error">Authentication failed. Check the user name and the password.</p>'
    : '';
  const described = failed ? ' aria-invalid="true" aria-describedby="error"' : '';
  return page(
    'Sign in',
    `<p>AM simulator, realm ${escapeHtml(realm)}</p>
${error}
<form method="post" action="${escapeHtml(action)}">
<label for="username">User name</label>
<input id="username" name="username" value="${escapeHtml(username)}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${described}>
<button type="submit">Sign in</button>
</form>`,
  );
}

function signedIn(username: string, realm: string): string {
  const again = `?realm=${encodeURIComponent(realm)}&ForceAuth=true`;
  return page(
    'You are signed in',
    `<p>AM simulator, realm ${escapeHtml(realm)}: ${escapeHtml(username)}</p>
<a href="${escapeHtml(again)}">Sign in again or as somebody else</a>`,
  );
}

/**
 * Where to go after login: an absolute path or an http(s) URL of this host, of loopback, or under one of AM's cookie
 * domains. Undefined for anything else: a login page that redirects anywhere lends its name to phishers.
 */
export function safeGoto(goto: string | null, host: string, cookieDomains: readonly string[]): string | undefined {
  if (goto === null || !/^(?:\/|https?:\/\/)/i.test(goto)) return undefined;
  if (!URL.canParse(`http://${host}`) || !URL.canParse(goto, `http://${host}`)) return undefined;
  const base = new URL(`http://${host}`);
  const { protocol, hostname, href, origin, pathname, search, hash } = new URL(goto, base);
  const known =
    hostname === base.hostname ||
    LOOPBACK.has(hostname) ||
    cookieDomains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  if (!known || (protocol !== 'http:' && protocol !== 'https:')) return undefined;
  // A path stays one, so that the browser's own idea of scheme and port holds.
  return goto.startsWith('/') && origin === base.origin ? pathname + search + hash : href;
}

export function answerLoginPage(am: Am, request: AmRequest): Answer {
  const { answers, config, cookies, table } = am;
  const { query, method, cookieToken } = request;
  const realm = findRealm(query.get('realm') ?? '/');
  if (realm === undefined) {
    return answers.html(400, page('No such realm', '<p>AM does not know this realm.</p>'), { headers: HEADERS });
  }
  const goto = safeGoto(query.get('goto'), header(request.headers, 'Host') ?? '', config.cookieDomains);
  const action = `/am/XUI/${query.size > 0 ? `?${query.toString()}` : ''}`;
  const redirect = (location: string, setCookie: string[]): Answer =>
    answers.text(302, undefined, '', {
      ...(setCookie.length > 0 ? { outcome: 'authenticated' as const } : {}),
      headers: { ...HEADERS, Location: location, ...(setCookie.length > 0 ? { 'Set-Cookie': setCookie } : {}) },
    });
  const show = (status: number, username: string): Answer =>
    answers.html(status, form({ action, realm, username, failed: status === 401 }), { headers: HEADERS });

  if (method === 'POST') {
    const fields = new URLSearchParams(request.body);
    const username = fields.get('username') ?? '';
    if (!passwordFits(am, username, fields.get('password') ?? '')) return show(401, username);
    const token = logIn(am, username, realm, cookieToken);
    return redirect(goto ?? `/am/XUI/?realm=${encodeURIComponent(realm)}`, cookies.login(am.cookieName, token));
  }
  if (method !== 'GET' && method !== 'HEAD') return answers.error(405, 'Method Not Allowed');
  const user = query.get('ForceAuth')?.toLowerCase() === 'true' ? undefined : table.peek(cookieToken);
  if (user === undefined) return show(200, '');
  // AM's own pages are a use of the session.
  const reset = table.touch(cookieToken);
  const answer =
    goto === undefined
      ? answers.html(200, signedIn(user.username, user.realm), { headers: HEADERS })
      : redirect(goto, []);
  return { ...answer, outcome: 'alive', reset };
}
