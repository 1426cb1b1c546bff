// Where the marks of the live picture go: paths of SVG from a picture and the time. It knows nothing of a page.

/** From top to bottom, in pixels. */
export const layout = {
  height: 380,
  user: { top: 24, bottom: 52 },
  background: { middle: 98 },
  calls: { middle: 148 },
  windows: { top: 20, bottom: 164 },
  idle: { top: 208, bottom: 352 },
};

/** To the right of now. */
export const margin = 10;
const radius = 5;

/**
 * @param {number} now milliseconds of the page's clock
 * @param {{ width: number, spanS: number, limitS: number }} frame its width in pixels and seconds; when AM ends a session
 */
export function draw(picture, now, { width, spanS, limitS }) {
  const left = now - spanS * 1000;
  const x = (at) => round(width - margin - ((now - at) / (spanS * 1000)) * (width - margin));
  const seen = (marks) => marks.filter(({ at }) => at >= left && at <= now);
  const users = seen(picture.requests.filter(({ isUser }) => isUser));
  const background = seen(picture.requests.filter(({ isUser }) => !isUser));
  const calls = seen(picture.calls);
  const callsOf = (...kinds) => calls.filter(({ kind }) => kinds.includes(kind)).map(({ at }) => x(at));
  const idle = idleLines(picture.accesses, { now, left, limitS, x });
  const reached = callsOf('obeyed', 'trailing');

  return {
    windows: picture.windows
      .filter(({ from, until }) => until > left && from < now)
      .map(({ from, until }) => band(x(Math.max(from, left)), x(Math.min(until, now))))
      .join(''),
    user: users.map(({ at }) => line(x(at), layout.user.top + 10, layout.user.bottom)).join(''),
    asked: users
      .filter(({ asked }) => asked)
      .map(({ at }) => line(x(at), layout.user.top, layout.user.bottom))
      .join(''),
    background: background.map(({ at }) => circle(x(at), layout.background.middle, 3.5)).join(''),
    obeyed: inLane(diamond, callsOf('obeyed')),
    trailing: inLane(triangle, callsOf('trailing')),
    ignored: inLane(diamond, callsOf('ignored')),
    peek: inLane((at, y) => circle(at, y, 4), callsOf('peek', 'waiting')),
    failed: inLane(cross, callsOf('failed', 'dead')),
    logout: inLane(square, callsOf('logout')),
    effect: reached.map((at) => line(at, layout.calls.middle + 9, layout.idle.bottom)).join(''),
    idle: idle.map(({ path }) => path).join(''),
    idleArea: idle.map(({ path, from }) => `${path}V${layout.idle.bottom}H${from}Z`).join(''),
  };
}

/** Marks of one shape in the lane of calls. */
function inLane(shape, xs) {
  return xs.map((at) => shape(at, layout.calls.middle)).join('');
}

/** A piece for each time of which AM's latest access is known: it rises by a second each second. */
function idleLines(accesses, { now, left, limitS, x }) {
  const { top, bottom } = layout.idle;
  const y = (idleMs) =>
    round(bottom - (Math.min(Math.max(idleMs, 0), limitS * 1000) / (limitS * 1000)) * (bottom - top));
  const pieces = [];
  for (const [i, { at, accessAt }] of accesses.entries()) {
    const from = Math.max(at, left);
    const to = Math.min(accesses[i + 1]?.at ?? now, now);
    if (accessAt === undefined || to <= from) continue;
    const ends = `${x(from)} ${y(from - accessAt)}L${x(to)} ${y(to - accessAt)}`;
    const last = pieces.at(-1);
    if (last?.until === from) Object.assign(last, { path: `${last.path}L${ends}`, until: to });
    else pieces.push({ path: `M${ends}`, from: x(from), until: to });
  }
  return pieces;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

/** A little narrower than it is, so that one can be told from the next. */
function band(from, to) {
  const { top, bottom } = layout.windows;
  return `M${round(from + 1)} ${top}H${round(Math.max(to - 1, from + 1))}V${bottom}H${round(from + 1)}Z`;
}

function line(x, top, bottom) {
  return `M${x} ${top}V${bottom}`;
}

function circle(x, y, r) {
  return `M${round(x - r)} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

function diamond(x, y) {
  return `M${x} ${y - radius - 1}l${radius + 1} ${radius + 1}l${-radius - 1} ${radius + 1}l${-radius - 1} ${-radius - 1}Z`;
}

function triangle(x, y) {
  return `M${x} ${y - radius}l${radius + 1} ${2 * radius}h${-2 * radius - 2}Z`;
}

function cross(x, y) {
  const r = radius - 1;
  return `M${round(x - r)} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
}

function square(x, y) {
  return `M${round(x - radius)} ${y - radius}h${2 * radius}v${2 * radius}h${-2 * radius}Z`;
}
