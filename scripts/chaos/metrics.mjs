// What the nodes' own metrics say, a few times a second: whether a node had Redis all the time, and whether AM answered it.

const everyMs = 250;
const prefix = 'am_session_proxy_';

/** @returns ends it */
export function watchMetrics(nodes, timeline) {
  let isOver = false;

  async function watch(node) {
    let before = { at: Date.now(), sample: undefined };
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      const from = before.at;
      const asked = Date.now();
      const sample = await look(node);
      timeline.measured(node.number, {
        from,
        to: Date.now(),
        hasRedis: isClean(before.sample, sample, 'redis'),
        hasAm: isClean(before.sample, sample, 'am'),
      });
      before = { at: asked, sample };
    }
  }

  for (const node of nodes) void watch(node);
  return () => {
    isOver = true;
  };
}

/** It is there, was there before, and nothing failed meanwhile. */
function isClean(before, now, what) {
  return (
    before !== undefined &&
    now !== undefined &&
    before[what].isUp &&
    now[what].isUp &&
    before[what].failures === now[what].failures
  );
}

/** Undefined where the node does not answer. */
async function look({ metricsUrl }) {
  try {
    const page = await (await fetch(metricsUrl, { signal: AbortSignal.timeout(1_000) })).text();
    const isUp = (name) => page.includes(`${prefix}${name} 1\n`);
    const failures = (name, outcomes) => {
      const lines = page.matchAll(new RegExp(`^${prefix}${name}\\{.*outcome="(?:${outcomes})".*\\} (\\d+)`, 'gm'));
      return [...lines].reduce((total, [, count]) => total + Number(count), 0);
    };
    return {
      redis: { isUp: isUp('redis_up'), failures: failures('redis_operations_total', 'timeout|error|skipped') },
      // a session that AM does not know any more is answered; a call that we cut ourselves says nothing
      am: { isUp: isUp('am_up'), failures: failures('am_calls_total', 'connect|timeout|reset|bad-answer|busy') },
    };
  } catch {
    return undefined;
  }
}
