// The demo's page: a single-page app behind the proxy, and a picture of what the proxy makes of it.

import { call, loginLink } from './api.js';
import { drawAway, prepareAway } from './away.js';
import { prepareBackground, stopBackground } from './background.js';
import { clearBars, drawBars, setBar } from './bars.js';
import { describePicture, drawPicture, watchWidth } from './chart.js';
import { watchDecisions } from './live.js';
import { comesFromLogin, watchLeaving, whatToLookAt } from './login-return.js';
import { howSignedOut, signOuts } from './sign-outs.js';
import { attempt, byId, connection, now, onClick, say, show } from './page.js';
import { emptyPicture, withEnd } from './picture.js';

const lookEveryMs = 5_000;
const shortestMs = 1_000;
const saveAfterMs = 700;
const usualIdleS = 30 * 60;

/** Of AM, as the demo set it; a real AM's idle time shows itself. */
let about = { isSimulator: false, flavor: 'ping', frequencyS: 60 };
let picture = emptyPicture(about);
/** Undefined: not known yet. */
let signedIn;
/** When AM ended the session that the picture shows. */
let endedAt;
const isBackFromLogin = comesFromLogin();
let isLive = false;
let longestIdleS = 0;
/** Undefined: nobody watches. */
let stopWatching;
let saving;
let looking;
let lookedAt = -Infinity;

const limitS = () => about.idleS ?? (longestIdleS || usualIdleS);

/** GET /session extends nothing, so a page may look as often as it likes. */
async function lookAtSession() {
  const { status, answer } = await call('GET', '/session');
  if (status === 200) showSession(answer);
  else show('status', `AM does not answer (${answer.code}). Trying again.`);
}

/** At the deadline a look makes the proxy ask AM, whose answer is news: one must not chase the other. */
function lookSoon() {
  looking ??= setTimeout(
    () => {
      looking = undefined;
      lookedAt = now();
      attempt(lookAtSession);
    },
    Math.max(0, lookedAt + shortestMs - now()),
  );
}

function showSession(session) {
  if (session.authenticated) showSignedIn(session);
  else showSignedOut(session);
}

function showSignedIn({ username, realm, idleExpiresIn, sessionExpiresIn }) {
  show('status', `Signed in as ${username}, realm ${realm}`);
  if (endedAt !== undefined) forgetPicture();
  longestIdleS = Math.max(longestIdleS, idleExpiresIn ?? 0);
  setBar('idle', idleExpiresIn, about.idleS);
  setBar('maximum', sessionExpiresIn, about.maximumS);
  if (!signedIn) {
    signedIn = true;
    setPanels();
  }
  stopWatching ??= watchDecisions(about, {
    onChange(next, isNews) {
      isLive = true;
      picture = next;
      describePicture(picture, limitS());
      redraw();
      // AM has spoken: the bars change
      if (isNews) lookSoon();
    },
    onLost() {
      isLive = false;
      attempt(lookAtSession);
    },
  });
}

/** Closes all that is open. */
function stop() {
  stopWatching?.();
  stopWatching = undefined;
  isLive = false;
  stopBackground();
  clearTimeout(saving);
  saving = undefined;
  clearTimeout(looking);
  looking = undefined;
}

/** Nothing of the user's stays on the page. */
function showSignedOut({ reason, loginUrl }) {
  const wasSignedIn = signedIn;
  const hadFocus = byId('signed-in').contains(document.activeElement) || document.activeElement === byId('sign-out');
  signedIn = false;
  show('status', 'You are signed out');
  byId('sign-in').href = loginLink(loginUrl);
  if (wasSignedIn !== false) {
    const known = signOuts[reason] ?? (wasSignedIn ? signOuts.elsewhere : undefined);
    const [title, text] = known ?? (isBackFromLogin ? signOuts.unreached : signOuts.first);
    show('signed-out-title', title);
    show('reason', text);
    if (!known && isBackFromLogin) showAdvice(loginUrl);
  }
  if (!wasSignedIn) return setPanels();
  forget();
  // who waited for the end wants to see it: the picture has nothing but the times of requests
  if (reason === 'session_expired') freezePicture();
  else forgetPicture();
  setPanels();
  if (hadFocus) byId('signed-out-title').focus();
}

function showAdvice(loginUrl) {
  const lines = whatToLookAt(new URL(location.href), new URL(loginUrl), about.cookieDomains).map((text) => {
    const line = document.createElement('li');
    line.textContent = text;
    return line;
  });
  byId('advice').replaceChildren(...lines);
  byId('advice').hidden = false;
}

function forget() {
  stop();
  clearBars();
  byId('log').replaceChildren();
  byId('draft').value = '';
  show('label', '…');
  show('live-state', '');
  show('draft-state', 'Nothing saved yet');
}

function freezePicture() {
  endedAt = now();
  picture = withEnd(picture, endedAt);
  describePicture(picture, limitS());
}

function forgetPicture() {
  endedAt = undefined;
  picture = emptyPicture(about);
  describePicture(picture, limitS());
  drawPicture(picture, now(), limitS());
  show('sentence', 'Do something: click, or type.');
}

function setPanels() {
  const isFrozen = endedAt !== undefined;
  byId('signed-in').hidden = !signedIn && !isFrozen;
  byId('signed-in').classList.toggle('over', isFrozen);
  for (const panel of byId('signed-in').children) panel.hidden = isFrozen && !panel.classList.contains('live');
  byId('whose').hidden = isFrozen;
  byId('steps').hidden = isFrozen;
  byId('of-session').hidden = !isFrozen;
  byId('sign-out').hidden = !signedIn;
  byId('signed-out').hidden = signedIn;
  redraw();
}

/** A 401 means that the user has to sign in again; what else goes wrong is told. */
async function request(method, path, options) {
  const { status, answer } = await call(method, path, options);
  if (status === 401) showSignedOut({ reason: answer.code, loginUrl: answer.loginUrl });
  else if (status >= 400) say(`${method} ${path}: ${status} ${answer.code ?? answer.error}`);
  return status < 400 ? answer : undefined;
}

async function loadOrders() {
  const answer = await request('GET', '/api/orders');
  if (answer) say(`The API has ${answer.orders.length} orders.`);
}

async function placeOrder() {
  const answer = await request('POST', '/api/orders', { body: { item: 'Flat white' } });
  if (answer) say(`Order ${answer.id} is placed: ${answer.item}.`);
}

/** The API gets to know who you are, and nothing that would let it act for you. */
async function whoAmI() {
  const answer = await request('GET', '/api/me');
  if (!answer) return;
  const { user, realm, cookiesThatCame, headersThatCame } = answer;
  const cookies = cookiesThatCame.length === 0 ? 'no cookie' : `these cookies: ${cookiesThatCame.join(', ')}`;
  say(`The API sees user ${user}, realm ${realm}, ${cookies}. Headers: ${headersThatCame.join(', ')}.`);
}

async function stillHere() {
  const answer = await request('POST', '/session/refresh');
  if (!answer) return;
  showSession(answer);
  say(answer.refreshed ? 'AM knows that you are here.' : 'AM learns that you are here when the window ends.');
}

async function signOut() {
  // nothing of ours is to ask in the middle of it
  stop();
  const { status, answer } = await call('POST', '/logout');
  // ended here and cleared from the browser, whatever AM says
  const { answer: session } = await call('GET', '/session');
  showSession({ ...session, reason: howSignedOut(status, answer) });
}

/** As editors save what is typed: one request for a batch of keys. */
function typed() {
  saving ??= setTimeout(() => attempt(save), saveAfterMs);
}

async function save() {
  saving = undefined;
  const answer = await request('PUT', '/api/draft', { body: { text: byId('draft').value } });
  if (answer && signedIn) show('draft-state', `Saved: ${answer.characters} characters`);
}

function redraw() {
  if (document.hidden || !(signedIn || endedAt !== undefined)) return;
  drawPicture(picture, endedAt ?? now(), limitS());
  if (signedIn) drawAway();
}

/** What AM is like here, and what it is like elsewhere. */
function describeAm() {
  const { isSimulator, frequencyS, idleS } = about;
  for (const id of ['hint', 'outage']) byId(id).hidden = !isSimulator;
  const here = `AM takes note of your use every ${frequencyS} s`;
  show(
    'note',
    isSimulator
      ? `${here} here, and ends a session after ${idleS} idle seconds, so that you can watch it. A real AM: 60 s, and 30 minutes.`
      : `${here}.`,
  );
}

async function start() {
  const { status, answer } = await call('GET', '/demo/about');
  if (status === 200) about = answer;
  describeAm();
  describePicture(picture, limitS());
  await lookAtSession();
}

onClick('orders', loadOrders);
onClick('order', placeOrder);
onClick('me', whoAmI);
onClick('still-here', stillHere);
onClick('sign-out', signOut);
byId('draft').addEventListener('input', typed);
prepareAway(request);
watchLeaving(byId('sign-in'));
prepareBackground(() => attempt(lookAtSession));
watchWidth(redraw);
// on a phone the buttons are nearer without it
byId('legend').open = matchMedia('(min-width: 36rem)').matches;

/** Where no event tells that something has changed. */
function lookAgain() {
  const isOver = signedIn && drawBars();
  const isBlind = connection.isLost || signedIn === undefined || (signedIn && (isOver || !isLive));
  if (!isBlind || now() - lookedAt < (isOver ? shortestMs : lookEveryMs)) return;
  lookedAt = now();
  attempt(signedIn === undefined ? start : lookAtSession);
}

const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
setInterval(redraw, isCalm ? 1_000 : 250);
setInterval(lookAgain, 250);
for (const event of ['pageshow', 'visibilitychange'])
  addEventListener(event, () => {
    if (!document.hidden && signedIn !== undefined) attempt(lookAtSession);
  });
