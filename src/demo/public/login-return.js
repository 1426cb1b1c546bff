// Back from AM's login, and no session: the page notices, and says what to look at.

const key = 'left-for-login';

/** Only this tab knows that its user went away to sign in: what AM gets to see stays as it is. */
export function watchLeaving(link) {
  link.addEventListener('click', () => sessionStorage.setItem(key, 'yes'));
  // who went back has not signed in
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) sessionStorage.removeItem(key);
  });
}

/** Whether the user comes from the login; known once, then forgotten. */
export function comesFromLogin() {
  const isBack = sessionStorage.getItem(key) !== null;
  sessionStorage.removeItem(key);
  return isBack && performance.getEntriesByType('navigation')[0]?.type !== 'back_forward';
}

/**
 * @param {URL} here the page
 * @param {URL} login where its user signs in
 * @param {string[] | undefined} domains those of AM's cookie: empty where it is for AM's own host alone, undefined where AM has not said
 * @returns {string[]} what may have kept the cookie from this page, the likeliest first
 */
export function whatToLookAt(here, login, domains) {
  return [
    nameToUse(here, login, domains),
    here.protocol === 'http:' && "If AM's cookie is Secure, it comes to https only, and this page is plain http.",
    `If AM kept you on a page of its own, ${here.origin}/* is missing among its Valid goto URL Resources.`,
  ].filter(Boolean);
}

function nameToUse({ hostname, protocol, port }, login, domains) {
  if (domains?.length === 0)
    return (
      hostname !== login.hostname &&
      `AM names no domain for its cookie: it comes to ${login.hostname} alone, and this page is at ${hostname}. Open it under that name, or set a cookie domain in AM.`
    );
  if (domains?.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`))) return false;
  const name = `demo.${domains?.[0] ?? 'example.com'}`;
  const place = `${protocol}//${name}${port && `:${port}`}/`;
  const address = /^[\d.]+$/.test(hostname) ? hostname : '127.0.0.1';
  return `AM's cookie is for ${domains?.join(', ') ?? 'a domain of its own'}, and this page is at ${hostname}. Add the line “${address} ${name}” to /etc/hosts${domains ? '' : ', with that domain'}, then open ${place}`;
}
