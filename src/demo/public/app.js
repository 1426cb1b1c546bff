// The sample page: what a single-page app has to do with the proxy, and no more.

const pollEveryMs = 3_000;
const lookEveryMs = 5_000;
const logLength = 50;

const byId = (id) => document.getElementById(id);

const bars = {
  idle: { left: null, longest: 1 },
  maximum: { left: null, longest: 1 },
};
let signedIn = false;
let lastPoll;
let polled = 0;

function say(text) {
  const entry = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString();
  entry.append(time, ` ${text}`);
  byId('log').prepend(entry);
  while (byId('log').children.length > logLength) byId('log').lastChild.remove();
}

function showStatus(text) {
  // a screen reader reads the element out whenever it is written to
  if (byId('status').textContent !== text) byId('status').textContent = text;
}

function drawBar(name) {
  const { left, longest } = bars[name];
  byId(name).max = longest;
  byId(name).value = left ?? longest;
  byId(`${name}-left`).textContent = left === null ? 'AM does not say' : `${left} s`;
}

/** AM says how long is left, not how long the whole is: the longest time seen stands for that. */
function setBar(name, left) {
  bars[name] = { left, longest: Math.max(bars[name].longest, left ?? 0) };
  drawBar(name);
}

function showSession({ authenticated, username, realm, idleExpiresIn, sessionExpiresIn, loginUrl, reason }) {
  if (signedIn && !authenticated) say(`The session is over: ${reason}`);
  signedIn = authenticated;
  byId('signed-in').hidden = !authenticated;
  byId('signed-out').hidden = authenticated;
  if (authenticated) {
    showStatus(`Signed in as ${username}, realm ${realm}.`);
    setBar('idle', idleExpiresIn);
    setBar('maximum', sessionExpiresIn);
  } else {
    showStatus('You are not signed in.');
    byId('sign-in').href = loginLink(loginUrl);
  }
}

/** AM sends the browser back to `goto`. */
function loginLink(loginUrl) {
  const login = new URL(loginUrl);
  const back = new URL(location.href);
  // the cookie that AM sets on 127.0.0.1 does not come to localhost
  if (back.hostname === 'localhost' && login.hostname === '127.0.0.1') back.hostname = login.hostname;
  login.searchParams.set('goto', back.href);
  return login.href;
}

/** GET /session extends nothing, so a page may look as often as it likes. */
async function lookAtSession() {
  const response = await fetch('/session');
  const body = await response.json();
  if (response.ok) showSession(body);
  else showStatus(`The proxy cannot tell: ${body.code}`);
}

/** One request, told in the log; a 401 means that the user has to sign in again. */
async function call(method, path, { body, headers } = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (response.status === 401) showSession({ authenticated: false, reason: answer.code, loginUrl: answer.loginUrl });
  return { status: response.status, answer };
}

async function tell(method, path, body) {
  const { status, answer } = await call(method, path, { body });
  say(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  if (status < 400) await lookAtSession();
}

async function stillHere() {
  const { status, answer } = await call('POST', '/session/refresh');
  if (status !== 200) return say(`POST /session/refresh: ${status} ${answer.code}`);
  showSession(answer);
  say(answer.refreshed ? 'AM knows that you are here.' : 'AM learns that you are here when the window ends.');
}

async function signOut() {
  const { status, answer } = await call('POST', '/logout');
  say(`POST /logout: ${status} ${answer.am ?? answer.code}`);
  await lookAtSession();
}

/** Reads like a page that watches for news: without the header it would keep the session alive for ever. */
async function poll() {
  const { status, answer } = await call('GET', '/api/notifications', {
    headers: { 'x-session-activity': 'background' },
  });
  polled += 1;
  byId('polled').textContent = `Polled ${polled} times, last answer ${status}`;
  if (status !== lastPoll) say(`Polling: ${status} ${answer.code ?? 'ok'}`);
  lastPoll = status;
}

function failed(error) {
  showStatus('The proxy does not answer.');
  console.error(error);
}

function every(ms, isWanted, work) {
  setInterval(() => {
    if (isWanted()) work().catch(failed);
  }, ms);
}

function onClick(id, work) {
  byId(id).addEventListener('click', () => work().catch(failed));
}

onClick('still-here', stillHere);
onClick('sign-out', signOut);
onClick('orders', () => tell('GET', '/api/orders'));
onClick('order', () => tell('POST', '/api/orders', { item: 'Flat white' }));
onClick('me', () => tell('GET', '/api/me'));

every(lookEveryMs, () => signedIn && !document.hidden, lookAtSession);
every(pollEveryMs, () => signedIn && byId('poll').checked, poll);
setInterval(() => {
  for (const name of Object.keys(bars)) {
    const bar = bars[name];
    if (!signedIn || bar.left === null) continue;
    bar.left = Math.max(0, bar.left - 1);
    drawBar(name);
  }
}, 1_000);

lookAtSession().catch(failed);
