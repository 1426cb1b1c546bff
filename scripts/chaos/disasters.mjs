// The plan: what is broken when. Calm at the beginning and at the end.
import { setTimeout as pause } from 'node:timers/promises';

const away = [
  { kind: 'status', status: 503, action: 'refresh' },
  { kind: 'status', status: 503, action: 'getSessionInfo' },
  { kind: 'status', status: 503, action: 'logout' },
];
const hanging = away.map(({ action }) => ({ kind: 'hang', action }));

export function createDisasters({ random, redis, nodes, tellWorld, timeline, isSettled }) {
  async function breakAm(faults, kind, ms) {
    const over = timeline.begin('am', kind);
    tellWorld({ faults });
    await pause(ms);
    tellWorld({ faults: [] });
    over();
  }

  const anyNode = () => random.of(nodes);
  const crashOrFreeze = () =>
    random.chance(0.5)
      ? redis.crash(random.between(100, 3_000), random.chance(0.5))
      : redis.freeze(random.between(100, 3_000));
  const phases = {
    async 'warm-up'() {
      await pause(5_000);
      // processes that have just started are slow, most of all on a busy machine
      for (let i = 0; i < 20 && !isSettled(); i++) await pause(1_000);
    },
    async calm() {
      await pause(6_000);
    },
    async 'Redis killed'() {
      await pause(random.between(0, 1_000));
      await redis.crash(3_000, true);
      await pause(4_000);
      await redis.crash(500, false);
      await pause(4_000);
    },
    async 'Redis stopped'() {
      await pause(random.between(0, 1_000));
      await redis.freeze(500);
      await pause(3_000);
      await redis.freeze(4_000);
      await pause(4_000);
    },
    async 'nodes killed'() {
      for (let i = 0; i < 2; i++) {
        await anyNode().crash(random.between(200, 2_500));
        await pause(2_000);
      }
    },
    async 'nodes stopped'() {
      await anyNode().freeze(random.between(500, 1_500));
      await pause(2_000);
      // longer than a claim holds
      await anyNode().freeze(random.between(5_000, 6_000));
      await pause(2_000);
    },
    async 'AM away'() {
      await breakAm(away, 'answers 503', 4_000);
      await pause(4_000);
      await breakAm(hanging, 'hangs', 1_500);
      await pause(3_000);
    },
    async 'all at once'() {
      const until = Date.now() + 10_000;
      const repeat = async (disaster) => {
        while (Date.now() < until) {
          await pause(random.between(200, 4_000));
          await disaster();
        }
      };
      const one = anyNode();
      const others = nodes.filter((node) => node !== one);
      await Promise.all([
        repeat(crashOrFreeze),
        repeat(() => one.freeze(random.between(300, 6_000))),
        repeat(() => random.of(others).crash(random.between(100, 2_000))),
        repeat(() => breakAm(away, 'answers 503', random.between(500, 3_000))),
      ]);
      await pause(3_000);
    },
  };

  return async function run(rounds, only) {
    const names = Object.keys(phases).filter(
      (name) => name !== 'warm-up' && name !== 'calm' && (!only || only.includes(name)),
    );
    const order = ['warm-up', 'calm'];
    for (let i = 0; i < rounds; i++) order.push(...names);
    order.push('calm');
    for (const [i, name] of order.entries()) {
      timeline.phase(i === order.length - 1 ? 'calm again' : name);
      await phases[name]();
    }
  };
}
