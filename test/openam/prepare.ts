// Before all suites: the realms, users and times that they rely on.

import { prepare, realOpenAm } from './real-openam.js';

export default async function setup(): Promise<void> {
  await prepare(realOpenAm());
}
