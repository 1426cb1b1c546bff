import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createQueue, type Entry } from '../src/queue.js';

describe('a queue', () => {
  it('keeps the order in which its entries came', () => {
    const queue = createQueue<number>();
    for (const value of [1, 2, 3]) queue.add(value);
    expect([...queue]).toEqual([1, 2, 3]);
    expect(queue.first?.value).toBe(1);
  });

  it('does not count an entry that left twice', () => {
    const queue = createQueue<string>();
    const [a] = ['a', 'b'].map((value) => queue.add(value));
    if (a) for (let i = 0; i < 2; i++) queue.remove(a);
    expect([queue.size, ...queue]).toEqual([1, 'b']);
  });

  it('lets go of the others as an entry leaves', () => {
    const queue = createQueue<string>();
    const entries = ['a', 'b', 'c'].map((value) => queue.add(value));
    for (const entry of [entries[2], entries[0], entries[1]]) if (entry) queue.remove(entry);
    expect(entries.map(({ before, after }) => [before, after])).toEqual(entries.map(() => [undefined, undefined]));
    expect(queue.first).toBeUndefined();
  });

  it('leaves out what has left, though it is to become the last', () => {
    const queue = createQueue<string>();
    const [a] = ['a', 'b'].map((value) => queue.add(value));
    if (a) queue.remove(a);
    if (a) queue.requeue(a);
    expect([queue.size, ...queue]).toEqual([1, 'b']);
  });

  it('is like an array from which anything may go, whatever comes and goes', () => {
    const step = fc.tuple(fc.constantFrom('add', 'remove', 'requeue'), fc.nat());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = createQueue<number>();
        const model: Entry<number>[] = [];
        let next = 0;
        for (const [what, at] of steps) {
          const entry = model[at % Math.max(1, model.length)];
          if (what === 'add') model.push(queue.add(next++));
          else if (entry) {
            model.splice(model.indexOf(entry), 1);
            if (what === 'remove') queue.remove(entry);
            else {
              queue.requeue(entry);
              model.push(entry);
            }
          }
          expect([...queue]).toEqual(model.map(({ value }) => value));
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });
});
