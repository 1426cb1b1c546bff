// AM calls per hour against active users, as an SVG that reads well on light and dark pages.

const width = 780;
const height = 480;
const area = { left: 84, right: 560, top: 56, bottom: 420 };
const from = { users: 100, calls: 1_000 };
const to = { users: 10_000_000, calls: 1e11 };

const scale = (value, low, high, start, end) =>
  start + ((Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * (end - start);
const x = (users) => scale(users, from.users, to.users, area.left, area.right);
const y = (calls) => scale(calls, from.calls, to.calls, area.bottom, area.top);
const round = (value) => value.toFixed(1);

function decades(low, high) {
  return Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i);
}

function short(value) {
  const [unit, size] = [
    ['bn', 1e9],
    ['M', 1e6],
    ['k', 1e3],
    ['', 1],
  ].find(([, each]) => value >= each);
  return `${value / size}${unit && ` ${unit}`}`;
}

/** @param series `title`, `note` and AM calls of one user in an hour */
export function plot({ series, openAmPerSecond, caption }) {
  const grid = [
    ...decades(from.users, to.users).map(
      (users) =>
        `<path class="grid" d="M${round(x(users))} ${area.top}V${area.bottom}"/><text x="${round(x(users))}" y="${area.bottom + 20}" text-anchor="middle">${short(users)}</text>`,
    ),
    ...decades(from.calls, to.calls).map(
      (calls) =>
        `<path class="grid" d="M${area.left} ${round(y(calls))}H${area.right}"/><text x="${area.left - 8}" y="${round(y(calls) + 4)}" text-anchor="end">${short(calls)}</text>`,
    ),
  ];
  const limit = y(openAmPerSecond * 3_600);
  const lines = series.map(({ title, note, callsOfUserHour }, i) => {
    const [x1, y1, x2, y2] = [from.users, to.users].flatMap((users) => [
      round(x(users)),
      round(y(users * callsOfUserHour)),
    ]);
    return `<path class="line s${i}" d="M${x1} ${y1}L${x2} ${y2}"/>
<text class="name s${i}" x="${area.right + 8}" y="${round(Number(y2) - 2)}">${title}</text><text class="note" x="${area.right + 8}" y="${round(Number(y2) + 12)}">${note}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">
<title id="t">AM calls per hour against active users</title>
<desc id="d">${series.map(({ title, note }) => `${title}: ${note}`).join('; ')}</desc>
<style>
svg { --ink: #1f2328; --soft: #59636e; --grid: #d1d9e0; --s0: #b42318; --s1: #9a6700; --s2: #1a7f37; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --soft: #9198a1; --grid: #3d444d; --s0: #ff7b72; --s1: #d29922; --s2: #3fb950; } }
text { fill: var(--soft); } .title { font-size: 15px; font-weight: 600; fill: var(--ink); } .name { font-size: 13px; font-weight: 600; }
.grid { stroke: var(--grid); } .line { fill: none; stroke-width: 3; } .limit { stroke: var(--soft); stroke-dasharray: 5 5; }
${series.map((_, i) => `.line.s${i} { stroke: var(--s${i}); } .name.s${i} { fill: var(--s${i}); }`).join(' ')}
</style>
<text class="title" x="${area.left}" y="24">AM calls per hour, by active users</text>
<text x="${area.left}" y="42">both axes logarithmic; ${caption}</text>
${grid.join('\n')}
<path class="limit" d="M${area.left} ${round(limit)}H${area.right}"/><text x="${area.right - 6}" y="${round(limit - 6)}" text-anchor="end">one OpenAM: ${openAmPerSecond} calls/s</text>
${lines.join('\n')}
<text x="${(area.left + area.right) / 2}" y="${height - 16}" text-anchor="middle">active users</text>
</svg>
`;
}
