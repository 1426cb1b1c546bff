// From measured figures to nodes: arithmetic that is printed with its result.

const load = 0.5;
const sessionsOfNodeMax = 1_000_000;
const baseMb = 90;
const populations = [1_000, 100_000, 10_000_000];

/**
 * @param microseconds CPU of one proxied request
 * @param bytes of one session with activity pending
 * @param redis scripts for each refresh: of the one node that a user comes to, and of each further node
 */
export function capacity({ microseconds, bytes, redis, mix: { clickEveryS, requestsOfClick } }) {
  const requestsOfUser = requestsOfClick / clickEveryS;
  const rows = populations.flatMap((users) =>
    [60, 300].map((frequencyS) => {
      const requests = users * requestsOfUser;
      const amCalls = users / (frequencyS + 1);
      const cores = (requests * microseconds) / 1e6;
      // two, so that one may fail
      const nodes = Math.max(2, Math.ceil(cores / load), Math.ceil(users / sessionsOfNodeMax));
      const sessionsOfNode = users / nodes;
      return {
        users,
        frequencyS,
        requestsPerSecond: requests,
        amCallsPerSecond: amCalls,
        redisPerSecond: amCalls * redis.ofOne,
        redisPerSecondSpread: amCalls * (redis.ofOne + (nodes - 1) * redis.ofFurther),
        cores,
        nodes,
        memoryMbPerNode: baseMb + (sessionsOfNode * bytes) / 2 ** 20,
      };
    }),
  );
  const arithmetic = [
    `an active user clicks every ${clickEveryS} s, each click is ${requestsOfClick} requests: ${requestsOfUser} requests/s`,
    'AM calls/s = active users / (update frequency + 1 s), SESSION_TRUST_S being no less; first looks, logouts and background use come on top',
    `Redis scripts/s = AM calls/s × ${redis.ofOne.toFixed(1)}${redis.isMeasured ? '' : ' (the most that the design allows: the row redis was not measured)'}; where users come to all nodes in turn, × ${redis.ofFurther.toFixed(1)} more for each further node`,
    `cores = requests/s × ${Math.round(microseconds)} µs, the mean of all slices and a share of a refresh`,
    `nodes (processes on a core each) = cores / ${load} (half of each core is left free), one for each million sessions, two at least`,
    `memory of a node = ${baseMb} MB + its sessions × ${Math.round(bytes)} bytes; with --heap-growing-percent=200 the sessions' part may grow to three times that before it is collected`,
    'the balancer sends a user to the same node; if not, every node tracks every session that it meets',
  ];
  return { arithmetic, rows };
}
