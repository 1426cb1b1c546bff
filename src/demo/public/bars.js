// Two bars that fall: until AM ends the session if nothing happens, and in any case.

import { byId, now, show } from './page.js';

const soonS = 15;
const bars = { idle: undefined, maximum: undefined };

/** AM says how long is left, not how long the whole is: where nobody else does, the longest time seen stands for it. */
export function setBar(name, leftS, wholeS = 0) {
  if (leftS === null) return show(`${name}-left`, 'AM does not say');
  const longestS = Math.max(bars[name]?.longestS ?? 0, leftS, wholeS);
  bars[name] = { endsAt: now() + leftS * 1000, longestS };
  drawBars();
}

export function clearBars() {
  for (const name of Object.keys(bars)) bars[name] = undefined;
}

/** Returns whether one of them is empty: somebody should ask what has become of the session. */
export function drawBars() {
  const left = Object.entries(bars).map(([name, bar]) => (bar === undefined ? Infinity : drawBar(name, bar)));
  return Math.min(...left) === 0;
}

function drawBar(name, { endsAt, longestS }) {
  const leftS = Math.max(0, (endsAt - now()) / 1000);
  const progress = byId(name);
  progress.max = longestS;
  progress.value = leftS;
  progress.parentElement.classList.toggle('soon', leftS < soonS);
  show(`${name}-left`, wordsOf(Math.ceil(leftS)));
  return leftS;
}

function wordsOf(seconds) {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
