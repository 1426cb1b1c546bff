// Requests to the proxy, and what their answers mean to a single-page app.

/** One request; `background` says that the user did not cause it. */
export async function call(method, path, { body, background = false } = {}) {
  const response = await fetch(path, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(background && { 'x-session-activity': 'background' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

/** AM sends the browser back to `goto`. */
export function loginLink(loginUrl) {
  const login = new URL(loginUrl);
  const back = new URL(location.href);
  // the cookie that AM sets on 127.0.0.1 does not come to localhost
  if (back.hostname === 'localhost' && login.hostname === '127.0.0.1') back.hostname = login.hostname;
  login.searchParams.set('goto', back.href);
  return login.href;
}
