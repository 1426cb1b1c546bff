// AM goes away on demand: what the proxy does then is worth seeing, and seldom seen.

import { byId, now, onClick, say, show } from './page.js';

let endsAt;

/** @param request as `call`, and tells what goes wrong */
export function prepareAway(request) {
  onClick('away', async () => {
    if (endsAt !== undefined) return;
    const answer = await request('POST', '/api/demo/away');
    if (!answer) return;
    endsAt = now() + answer.forS * 1000;
    // a button that is disabled would lose the focus
    byId('away').setAttribute('aria-disabled', 'true');
    say(`AM is away for ${answer.forS} s. Work on: nothing of it is lost.`);
    drawAway();
  });
}

/** How long still; to be called as time goes on. */
export function drawAway() {
  if (endsAt === undefined) return;
  const leftS = Math.ceil((endsAt - now()) / 1000);
  if (leftS > 0) return show('away-state', `${leftS} s left`);
  endsAt = undefined;
  byId('away').removeAttribute('aria-disabled');
  show('away-state', '');
  say('AM is back. It is told as soon as the proxy tries again.');
}
