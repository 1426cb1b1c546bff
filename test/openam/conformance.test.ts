// A real OpenAM passes the suite that the simulator passes.

import { describe } from 'vitest';
import { describeOpenAm } from '../conformance/openam.js';
import { realOpenAm } from './real-openam.js';

const am = realOpenAm();

describe('a real OpenAM', () => {
  describeOpenAm(() => am, true);
});
