// The demo's page: a single-page app behind the proxy, and a picture of what the proxy makes of it.

import { call, loginLink } from './api.js';
import { prepareBackground, stopBackground } from './background.js';
import { clearBars, drawBars, setBar } from './bars.js';
import { describePicture, drawPicture, watchWidth } from './chart.js';
import { watchDecisions } from './live.js';
import { attempt, byId, connection, now, onClick, say, show } from './page.js';
import { emptyPicture } from './picture.js';

const lookEveryMs = 5_000;
const saveAfterMs = 700;
const usualIdleS = 30 * 60;

/** Of AM, as the demo set it; a real AM's idle time shows itself. */
let about = { isSimulator: false, flavor: 'ping', frequencyS: 60 };
let picture = emptyPicture(about);
/** Undefined: not known yet. */
let signedIn;
let isLive = false;
let longestIdleS = 0;
/** Undefined: nobody watches. */
let stopWatching;
let saving;

const limitS = () => about.idleS ?? (longestIdleS || usualIdleS);

/** GET /session extends nothing, so a page may look as often as it likes. */
async function lookAtSession() {
  const { status, answer } = await call('GET', '/session');
  if (status === 200) showSession(answer);
  else show('status', `AM does not answer (${answer.code}). Trying again.`);
}

function showSession(session) {
  if (session.authenticated) showSignedIn(session);
  else showSignedOut(session);
}

function showSignedIn({ username, realm, idleExpiresIn, sessionExpiresIn }) {
  show('status', `Signed in as ${username}, realm ${realm}`);
  longestIdleS = Math.max(longestIdleS, idleExpiresIn ?? 0);
  setBar('idle', idleExpiresIn, about.idleS);
  setBar('maximum', sessionExpiresIn, about.maximumS);
  if (!signedIn) {
    signedIn = true;
    wayToLogin.end();
    setPanels();
  }
  stopWatching ??= watchDecisions(about, {
    onChange(next, isNews) {
      isLive = true;
      picture = next;
      describePicture(picture, limitS());
      redraw();
      // AM has spoken: the bars change
      if (isNews) attempt(lookAtSession);
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
}

const signOuts = {
  session_expired: [
    'AM has ended your session',
    'It was idle for too long, or its time was up. What a page does in the background is no activity of yours.',
  ],
  session_ended: [
    'You have signed out',
    'Your session has ended here and at AM, and all that was open has ended with it.',
  ],
  pending: ['You have signed out', 'AM does not answer. It is told as soon as it does.'],
  am_refused: [
    'You have signed out here',
    'AM refuses to be told: settings do not fit, the terminal says more. At AM the session lives until its own time-out.',
  ],
  untold: [
    'You have signed out here',
    'AM does not answer, and cannot be told later. There the session lives until its own time-out.',
  ],
  elsewhere: ['Your session has ended', 'You have signed out in another tab, or the cookie is gone.'],
  first: ['See what AM is told of you', 'Sign in, then click, type, and wait.'],
  unreached: [
    'AM’s cookie has not reached this page',
    'You come from the login without a session. Open this page under a name in the domain of AM’s cookie (a line in /etc/hosts), by https if the cookie is Secure.',
  ],
};

/** The login was begun in this tab, and there was no session since. */
const wayToLogin = {
  begin: () => sessionStorage.setItem('login', 'begun'),
  end() {
    const isBegun = sessionStorage.getItem('login') !== null;
    sessionStorage.removeItem('login');
    return isBegun;
  },
};

/** Nothing of the user's stays on the page, but for the picture of a session that AM has ended. */
function showSignedOut({ reason, loginUrl }) {
  const wasSignedIn = signedIn;
  const isOver = reason === 'session_expired' && wasSignedIn;
  const hadFocus = byId('signed-in').contains(document.activeElement) || document.activeElement === byId('sign-out');
  signedIn = false;
  show('status', 'You are signed out');
  byId('sign-in').href = loginLink(loginUrl);
  if (wasSignedIn !== false) {
    const otherwise = wasSignedIn ? 'elsewhere' : wayToLogin.end() ? 'unreached' : 'first';
    const [title, text] = signOuts[reason] ?? signOuts[otherwise];
    show('signed-out-title', title);
    show('reason', text);
  }
  if (!wasSignedIn) return setPanels();
  if (isOver) drawPicture(picture, now(), limitS());
  forget(isOver);
  setPanels(isOver);
  if (hadFocus) byId('signed-out-title').focus();
}

function forget(isPictureKept) {
  stop();
  clearBars();
  byId('log').replaceChildren();
  byId('draft').value = '';
  show('draft-state', 'Nothing saved yet');
  show('live-state', '');
  if (isPictureKept) return;
  picture = emptyPicture(about);
  describePicture(picture, limitS());
  drawPicture(picture, now(), limitS());
  for (const [id, text] of [
    ['label', '…'],
    ['sentence', 'Do something: click, or type.'],
  ])
    show(id, text);
}

/** `isOver`: the picture alone stays, with the idle clock at its end. */
function setPanels(isOver = false) {
  byId('signed-in').hidden = !signedIn && !isOver;
  byId('signed-in').classList.toggle('over', isOver);
  byId('sign-out').hidden = !signedIn;
  byId('signed-out').hidden = signedIn;
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

function howSignedOut(status, { am, code }) {
  if (status < 400) return am === 'pending' ? 'pending' : 'session_ended';
  return code in signOuts ? code : 'untold';
}

async function takeAmAway() {
  const answer = await request('POST', '/api/demo/away');
  if (!answer) return;
  say(`AM is away for ${answer.forS} s. Work on.`);
  byId('away').disabled = true;
  setTimeout(() => (byId('away').disabled = false), answer.forS * 1000);
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
  if (document.hidden || !signedIn) return;
  drawPicture(picture, now(), limitS());
}

/** What AM is like here, and what it is like elsewhere. */
function describeAm() {
  const { isSimulator, frequencyS, idleS } = about;
  byId('hint').hidden = !isSimulator;
  byId('outage').hidden = !isSimulator;
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
onClick('away', takeAmAway);
byId('sign-in').addEventListener('click', wayToLogin.begin);
byId('draft').addEventListener('input', typed);
prepareBackground(() => attempt(lookAtSession));
watchWidth(redraw);
// on a phone the buttons are nearer without it
byId('legend').open = matchMedia('(min-width: 36rem)').matches;

let lookedAt = -Infinity;

/** Where no event tells that something has changed. */
function lookAgain() {
  const isOver = signedIn && drawBars();
  const isBlind = connection.isLost || signedIn === undefined || (signedIn && (isOver || !isLive));
  if (!isBlind || now() - lookedAt < (isOver ? 1_000 : lookEveryMs)) return;
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
