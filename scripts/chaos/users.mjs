// The users: each logs in, works at whichever node comes, leaves, and is tried again and again with the dead token.
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from './random.mjs';
import { nodeCount } from './settings.mjs';

const ways = {
  worker: { pauseMs: [150, 1_400], kinds: ['click', 'click', 'click', 'post', 'refresh', 'poll', 'look'] },
  reader: { pauseMs: [500, 6_000], kinds: ['click', 'click', 'post', 'look'] },
  poller: { pauseMs: [300, 2_000], kinds: ['poll', 'poll', 'look'] },
  idler: { pauseMs: [200, 1_000], kinds: ['click', 'poll'], restMs: [8_000, 25_000] },
};
const wayOf = ['worker', 'worker', 'worker', 'worker', 'reader', 'reader', 'reader', 'poller', 'idler', 'idler'];

/** How long and how often everybody is asked after a logout. */
const triesAfterLogout = 8;
const tryEveryMs = 300;
const hauntEveryMs = 20;
const beatEveryMs = 50;
/** They do not all come at the same moment, to processes that have just started. */
const arrivalMs = 4_000;

export function createUsers({ seed, count, requests, timeline }) {
  const sessions = [];
  const gone = [];
  let isOver = false;

  const isDown = (node) => timeline.troubles(node, Date.now(), Date.now()).length > 0;
  const nodeNumbers = Array.from({ length: nodeCount }, (_, i) => i);

  /** Few find their way to a node that is down: a load balancer notices. */
  function nodeFor(random) {
    const first = random.of(nodeNumbers);
    return isDown(first) && random.chance(0.9) ? random.of(nodeNumbers) : first;
  }

  async function live(index) {
    const random = createRandom(seed * 1_000 + index);
    const way = wayOf[index % wayOf.length];
    await pause(random.between(0, arrivalMs));
    while (!isOver) {
      const session = await requests.logIn(`user-${index}`, `10.0.${Math.floor(index / 200)}.${(index % 200) + 1}`);
      session.way = way;
      sessions.push(session);
      const leavesAt = random.chance(0.25) ? Infinity : Date.now() + random.between(8_000, 110_000);
      await work(session, random, leavesAt);
      if (!isOver) await leave(session, random);
    }
  }

  async function work(session, random, leavesAt) {
    const { pauseMs, kinds, restMs } = ways[session.way];
    while (!isOver && Date.now() < leavesAt) {
      await requests.send(session, nodeFor(random), random.of(kinds));
      const rests = restMs && random.chance(0.08);
      await sleep(random.between(...(rests ? restMs : pauseMs)));
    }
  }

  /** In short steps, so that the end is not waited for. */
  async function sleep(ms) {
    for (const until = Date.now() + ms; !isOver && Date.now() < until;) await pause(Math.min(500, until - Date.now()));
  }

  async function leave(session, random) {
    // requests that are on their way meanwhile
    const late = [1, 2].map(() => requests.send(session, nodeFor(random), random.of(['click', 'poll'])));
    session.leaving = { from: Date.now(), until: Infinity, how: random.chance(0.75) ? 'here' : 'at AM' };
    if (session.leaving.how === 'here') await logOut(session, random);
    else await logOutElsewhere(session);
    await Promise.all(late);
    for (let i = 0; i < triesAfterLogout; i++) {
      await Promise.all(
        nodeNumbers
          .filter((node) => !isDown(node))
          .map((node) => requests.send(session, node, random.of(['click', 'poll', 'look']))),
      );
      await pause(tryEveryMs);
    }
    gone.push(session);
  }

  /** As long as nobody says that it is done, users try again. */
  async function logOut(session, random) {
    for (;;) {
      const node = nodeFor(random);
      const { status, am, at, until } = await requests.send(session, node, 'logout');
      if (status === 200 || status === 202) {
        Object.assign(session.leaving, { until, am, node, life: timeline.lifeAt(node, at) });
        return;
      }
      await pause(200);
    }
  }

  async function logOutElsewhere(session) {
    while (!(await requests.logOutAtAm(session))) await pause(200);
    session.leaving.until = Date.now();
  }

  /** Tokens of those who left, tried anywhere for the rest of the run. */
  async function haunt() {
    const random = createRandom(seed + 7);
    while (!isOver) {
      await pause(hauntEveryMs);
      if (gone.length > 0) void requests.send(random.of(gone), nodeFor(random), random.of(['click', 'poll', 'look']));
    }
  }

  /** What a node needs for nothing at all, to compare with: it asks neither Redis nor AM. */
  async function beat() {
    const random = createRandom(seed + 8);
    while (!isOver) {
      await pause(beatEveryMs);
      void requests.send({ cookie: '', address: '10.1.0.1' }, nodeFor(random), 'livez');
    }
  }

  const living = [haunt(), beat(), ...Array.from({ length: count }, (_, i) => live(i))];
  const all = Promise.all(living);
  return {
    sessions,
    /** Rejects if a user could not log in at all. */
    failed: all.then(() => new Promise(() => undefined)),
    /** Nobody does anything any more. */
    async stop() {
      isOver = true;
      await all;
    },
    /** Everybody once more, at every node, without activity. */
    async callTheRoll() {
      const left = [...sessions];
      const ask = async () => {
        for (let session = left.pop(); session; session = left.pop())
          for (const node of nodeNumbers) await requests.send(session, node, 'poll');
      };
      await Promise.all(Array.from({ length: 8 }, ask));
    },
  };
}
