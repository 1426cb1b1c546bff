// The live picture on the page: an SVG of few paths, drawn anew as time goes on.

import { draw, layout, margin } from './drawing.js';
import { savedCalls } from './picture.js';
import { byId, show } from './page.js';

/** On a phone three minutes would be a blur. */
const narrow = { belowPx: 560, spanS: 90, everyS: 30 };
const wide = { spanS: 180, everyS: 60 };

let width = 0;

/** @param onResize called when it has to be drawn again */
export function watchWidth(onResize) {
  new ResizeObserver(([{ contentRect }]) => {
    width = Math.round(contentRect.width);
    if (width === 0) return;
    setFrame();
    onResize();
  }).observe(byId('picture'));
}

function span() {
  return width < narrow.belowPx ? narrow : wide;
}

/** What depends on the width alone. */
function setFrame() {
  const svg = byId('picture');
  svg.setAttribute('viewBox', `0 0 ${width} ${layout.height}`);
  for (const rule of svg.querySelectorAll('[data-rule]')) rule.setAttribute('d', `M0 ${rule.dataset.rule}H${width}`);
  const { spanS, everyS } = span();
  show('span', spanS === 90 ? '90 seconds' : '3 minutes');
  byId('times').replaceChildren(...timesOf(spanS, everyS));
}

function timesOf(spanS, everyS) {
  const texts = [];
  for (let agoS = 0; agoS <= spanS; agoS += everyS) {
    const text = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    const isFirst = agoS === spanS;
    text.setAttribute('x', String(agoS === 0 ? width : (1 - agoS / spanS) * (width - margin)));
    text.setAttribute('y', String(layout.height - 6));
    text.setAttribute('text-anchor', isFirst ? 'start' : agoS === 0 ? 'end' : 'middle');
    text.textContent = agoS === 0 ? 'now' : everyS === 60 ? `${agoS / 60} min ago` : `${agoS} s ago`;
    texts.push(text);
  }
  return texts;
}

/** @param limitS after how many idle seconds AM ends the session */
export function drawPicture(picture, now, limitS) {
  if (width === 0) return;
  const paths = draw(picture, now, { width, spanS: span().spanS, limitS });
  for (const path of byId('picture').querySelectorAll('[data-draw]')) path.setAttribute('d', paths[path.dataset.draw]);
}

/** What the picture says in words and numbers. */
export function describePicture(picture, limitS) {
  const { user, background, calls } = picture.counts;
  const saved = savedCalls(picture.counts);
  show('count-user', String(user));
  show('count-background', String(background));
  show('count-calls', String(calls));
  show('count-saved', String(saved));
  show(
    'limit',
    `Idle clock, as AM sees it: at ${limitS < 120 ? `${limitS} s` : `${Math.round(limitS / 60)} min`} the session ends`,
  );
  if (picture.sentence) show('sentence', picture.sentence);
  byId('picture').setAttribute(
    'aria-label',
    `Live picture: ${user} requests of yours, ${background} in the background, ${calls} calls to AM, ${saved} saved.`,
  );
}
