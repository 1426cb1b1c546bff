// Accept-API-Version: read as AM's REST framework reads it, and matched against the versions an endpoint has.

export interface ApiVersion {
  /** As asked: `4.0`; undefined: the newest. */
  readonly resource: string | undefined;
  readonly protocol: string | undefined;
}

// No space around the equals sign (measured).
const PART = /^\s*(resource|protocol)=(\d+(?:\.\d+)?)\s*$/i;

/** The versions a header asks for; undefined if it is malformed. */
export function parseApiVersion(header: string | undefined): ApiVersion | undefined {
  const asked: { resource?: string; protocol?: string } = {};
  for (const part of header === undefined ? [] : header.split(',')) {
    const match = PART.exec(part);
    if (match === null) return undefined;
    asked[match[1]?.toLowerCase() === 'resource' ? 'resource' : 'protocol'] = match[2] ?? '';
  }
  return { resource: asked.resource, protocol: asked.protocol };
}

const split = (version: string): [number, number] => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
};

export const majorOf = (version: string): number => split(version)[0];

/** The version that answers: of the same major and at least the same minor; the last one if none was asked for. */
export function matchVersion(asked: string | undefined, offered: readonly string[]): string | undefined {
  if (asked === undefined) return offered.at(-1);
  const [major, minor] = split(asked);
  return offered.find((version) => {
    const [offeredMajor, offeredMinor] = split(version);
    return offeredMajor === major && offeredMinor >= minor;
  });
}
