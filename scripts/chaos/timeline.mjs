// What was done to Redis, to AM and to the nodes, and when: by it answers are judged.
import { nodeCount } from './settings.mjs';

const overlaps = (span, from, to) => span.from <= to && span.to >= from;

const nameOf = (of) => (typeof of === 'number' ? `node ${of}` : of);

export function createTimeline() {
  const startedAt = Date.now();
  const spans = [];
  const phases = [];
  const lives = Array.from({ length: nodeCount }, () => []);
  const samples = Array.from({ length: nodeCount }, () => []);
  const problems = [];

  /** @param of `redis`, `am` or the number of a node */
  function troubles(of, from, to) {
    return spans.filter((span) => span.of === of && overlaps(span, from, to));
  }

  return {
    startedAt,
    spans,
    phases,
    samples,
    problems,
    troubles,
    begin(of, kind) {
      const span = { of, kind, from: Date.now(), to: Infinity };
      spans.push(span);
      return () => {
        span.to = Date.now();
        return span.to - span.from;
      };
    },
    phase(name) {
      phases.push({ name, from: Date.now() });
      console.log(`${String(Math.round((Date.now() - startedAt) / 1_000)).padStart(4)} s  ${name}`);
    },
    phaseAt: (at) => phases.findLast(({ from }) => from <= at)?.name ?? 'start',
    /** Of each node: when its process was started, and when that said that it listens. */
    lives,
    /** What a node answers from now on is not of the process before: it may listen a while before it has said so. */
    reborn(node) {
      const life = { from: Date.now(), servesFrom: Infinity };
      lives[node].push(life);
      return () => {
        life.servesFrom = Date.now();
      };
    },
    /** Which life of the node it was, from 0; -1: none yet. */
    lifeAt: (node, at) => lives[node].findLastIndex(({ from }) => from <= at),
    /** What a node's metrics say of a short time. */
    measured(node, sample) {
      samples[node].push(sample);
    },
    /** Whether the node had Redis all that time, and Redis was well. */
    hasStore(node, from, to) {
      const during = samples[node].filter((sample) => overlaps(sample, from, to));
      return (
        during.length > 0 && during.every(({ hasRedis }) => hasRedis) && troubles('redis', from - 200, to).length === 0
      );
    },
    /** Whether a call of the node to AM failed at some time. */
    missedAm(node, from, to) {
      return samples[node].some((sample) => !sample.hasAm && overlaps(sample, from, to));
    },
    /** Whether every node that lived had Redis all that time. */
    isShared(from, to) {
      return samples.every((ofNode, node) =>
        ofNode
          .filter((sample) => overlaps(sample, from, to))
          .every(({ hasRedis, ...sample }) => hasRedis || troubles(node, sample.from, sample.to).length > 0),
      );
    },
    /** Whether anything was done to Redis or to a node. */
    isDisturbed(from, to) {
      return spans.some((span) => span.of !== 'am' && overlaps(span, from, to)) || !this.isShared(from, to);
    },
    problem(text) {
      problems.push(text);
    },
    /** The last things that happened before, for whoever has to understand a wrong answer. */
    before(at) {
      const seconds = (ms) => (Number.isFinite(ms) ? `${((ms - at) / 1_000).toFixed(1)} s` : 'later');
      return spans
        .filter(({ from }) => from <= at)
        .slice(-4)
        .map(({ of, kind, from, to }) => `${nameOf(of)} ${kind} ${seconds(from)} … ${seconds(to)}`);
    },
  };
}
