import { describe, expect, it } from 'vitest';
import { rememberLast, rememberFew } from '../src/remember.js';

describe('what is remembered', () => {
  it('for the last key is computed when another is given', () => {
    const asked: object[] = [];
    const remembered = rememberLast((key: object) => asked.push(key));
    const [a, b] = [{}, {}];
    expect([a, a, b, b, a].map(remembered)).toEqual([1, 1, 2, 2, 3]);
  });

  it('for a name is computed once', () => {
    const asked: string[] = [];
    const remembered = rememberFew((name) => {
      asked.push(name);
      return name === 'a';
    });
    expect(['a', 'b', 'a', 'b'].map(remembered)).toEqual([true, false, true, false]);
    expect(asked).toEqual(['a', 'b']);
  });

  it('is no name that is longer than any in use', () => {
    const asked: string[] = [];
    const remembered = rememberFew((name) => asked.push(name));
    for (const name of ['x'.repeat(64), 'x'.repeat(65)]) for (let i = 0; i < 2; i++) remembered(name);
    expect(asked.map(({ length }) => length)).toEqual([64, 65, 65]);
  });

  it('is no more than 500 names, whoever makes up others', () => {
    const asked: string[] = [];
    const remembered = rememberFew((name) => asked.push(name));
    for (let i = 0; i < 2; i++) for (let n = 0; n < 600; n++) remembered(`x-${n}`);
    expect(asked).toHaveLength(600 + 100);
  });
});
