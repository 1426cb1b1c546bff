// The live picture's events: a stream of the proxy's decisions about this session, opened anew when it is lost.

import { keepOpen, openStream } from './connections.js';
import { now, say, show } from './page.js';
import { emptyPicture, withEvent } from './picture.js';

/**
 * @param onChange given the picture after each event, and whether AM has just answered
 * @param onLost the stream has ended: the session may have, too
 * @returns what ends it
 */
export function watchDecisions(about, { onChange, onLost }) {
  let picture = emptyPicture(about);
  // what the demo remembers comes first: it is drawn, and not told as news
  let isReplay = true;
  const update = (isNews) => {
    if (!isReplay) onChange(picture, isNews);
  };

  const listeners = {
    begin({ session }) {
      isReplay = true;
      picture = emptyPicture(about);
      show('label', session);
    },
    decision({ agoMs, ...event }) {
      picture = withEvent(picture, event, now() - agoMs);
      if (!isReplay && picture.isNews) say(picture.sentence);
      update(picture.isNews);
    },
    ready() {
      isReplay = false;
      show('live-state', '');
      update(true);
    },
  };

  return keepOpen(({ onOpen, onLost: again }) =>
    // the proxy's decision on this very request tells the demo whose events are meant
    openStream(`/api/demo/events?view=${crypto.getRandomValues(new Uint32Array(2)).join('-')}`, listeners, {
      onOpen,
      onLost() {
        show('live-state', '(connecting again)');
        onLost();
        again();
      },
    }),
  );
}
