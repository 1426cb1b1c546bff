// Small things that all parts of the page need.

export const byId = (id) => document.getElementById(id);

/** A screen reader reads some elements out whenever they are written to. */
export function show(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

const longestLog = 50;

/** One more line in "What happened". */
export function say(text) {
  const entry = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString([], { hour12: false });
  entry.append(time, ` ${text}`);
  byId('log').prepend(entry);
  while (byId('log').children.length > longestLog) byId('log').lastChild.remove();
}

/** Time as bars and picture know it: a step of the wall clock does not move it. */
export const now = () => performance.now();

/** Whether the proxy could not be reached when it was last tried. */
export const connection = { isLost: false };

/** Work whose failure means that the proxy cannot be reached. */
export function attempt(work) {
  work().then(
    () => (connection.isLost = false),
    (error) => {
      connection.isLost = true;
      show('status', 'The proxy does not answer. Trying again.');
      console.warn(error);
    },
  );
}

export function onClick(id, work) {
  byId(id).addEventListener('click', () => attempt(work));
}
