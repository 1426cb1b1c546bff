// What goes on in the background of a page: a poller, an event stream, a WebSocket. None keeps the session alive.

import { call } from './api.js';
import { keepOpen, openSocket, openStream } from './connections.js';
import { attempt, byId, onClick, say, show } from './page.js';

const pollEveryMs = 3_000;
/** A close code of the proxy's: the session has ended (the 401 of WebSockets). */
const sessionEnded = 4401;

const running = new Map();

/** Each starts with its checkbox, and returns what stops it. */
const starts = { poll: startPolling, news: startNews, socket: startSocket };

/** @param onDenied told of a request that was answered with 401, and of a socket that was closed for the same reason */
export function prepareBackground(onDenied) {
  for (const [name, start] of Object.entries(starts))
    byId(name).addEventListener('change', () => {
      if (byId(name).checked) running.set(name, start(onDenied));
      else stop(name);
    });
  onClick('hello', async () => running.get('socket')?.send('Hello'));
}

/** All of them: the session is over. */
export function stopBackground() {
  for (const name of Object.keys(starts)) {
    byId(name).checked = false;
    stop(name);
  }
}

function stop(name) {
  running.get(name)?.stop();
  running.delete(name);
  show(`${name}-state`, 'off');
}

/** Reads like a page that watches for news: without the header it would keep the session alive for ever. */
function startPolling(onDenied) {
  let polled = 0;
  let last = 200;
  async function poll() {
    const { status, answer } = await call('GET', '/api/notifications', { background: true });
    if (!running.has('poll')) return;
    polled += 1;
    show('poll-state', `${polled} sent, answer ${status}`);
    if (status !== last) say(`Polling: ${status} ${answer.code ?? 'works again'}`);
    last = status;
    if (status === 401) onDenied(answer);
  }
  show('poll-state', 'on');
  const timer = setInterval(() => attempt(poll), pollEveryMs);
  queueMicrotask(() => attempt(poll));
  return { stop: () => clearInterval(timer) };
}

function startNews() {
  let count = 0;
  const listeners = {
    ready() {
      count += 1;
      show('news-state', `open, ${count} ${count === 1 ? 'event' : 'events'}`);
    },
  };
  show('news-state', 'opening');
  const close = keepOpen(({ onOpen, onLost }) =>
    openStream('/api/news', listeners, {
      onOpen() {
        show('news-state', 'open');
        onOpen();
      },
      onLost() {
        show('news-state', 'lost, connecting again');
        onLost();
      },
    }),
  );
  return { stop: close };
}

function allowHello(isOpen) {
  byId('hello').disabled = !isOpen;
}

function startSocket(onDenied) {
  let socket;
  show('socket-state', 'opening');
  const close = keepOpen(({ onOpen, onLost }) => {
    socket = openSocket('/api/echo', {
      onOpen() {
        show('socket-state', 'open');
        allowHello(true);
        onOpen();
      },
      onMessage: (text) => say(`WebSocket: “${text}” came back. Frames are no activity.`),
      onLost({ code, reason }) {
        allowHello(false);
        if (!running.has('socket')) return;
        say(`WebSocket: closed with ${code} ${reason}`);
        show('socket-state', 'closed');
        if (code === sessionEnded) onDenied({ code: reason });
        else onLost();
      },
    });
    return () => socket.close();
  });
  return {
    send: (text) => socket.send(text),
    stop() {
      allowHello(false);
      close();
    },
  };
}
