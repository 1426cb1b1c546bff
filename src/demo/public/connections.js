// Connections that stay open: lost ones are opened anew, later each time.

const firstMs = 1_000;
const longestMs = 30_000;

/**
 * @param connect opens it; given `onOpen` and `onLost`, returns what closes it
 * @returns what closes it for good
 */
export function keepOpen(connect) {
  let failures = 0;
  let isClosed = false;
  let timer;
  let close;

  function open() {
    close = connect({
      onOpen: () => (failures = 0),
      onLost() {
        if (isClosed) return;
        clearTimeout(timer);
        // by chance too: all pages that lost the same server must not come back at once
        timer = setTimeout(open, Math.min(longestMs, firstMs * 2 ** failures) * (0.5 + Math.random() / 2));
        failures += 1;
      },
    });
  }

  open();
  return () => {
    isClosed = true;
    clearTimeout(timer);
    close();
  };
}

/** Listens to the named events of a stream; returns what closes it. */
export function openStream(url, listeners, { onOpen, onLost }) {
  const source = new EventSource(url);
  source.addEventListener('open', onOpen);
  source.addEventListener('error', () => {
    // browsers come back by themselves after an end, but never after a refusal
    source.close();
    onLost();
  });
  for (const [name, listener] of Object.entries(listeners))
    source.addEventListener(name, ({ data }) => listener(JSON.parse(data)));
  return () => source.close();
}

/** Returns what sends, and what closes it. */
export function openSocket(path, { onMessage, onOpen, onLost }) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.addEventListener('open', onOpen);
  socket.addEventListener('message', ({ data }) => onMessage(data));
  socket.addEventListener('close', ({ code, reason }) => onLost({ code, reason }));
  return { send: (text) => socket.send(text), close: () => socket.close() };
}
