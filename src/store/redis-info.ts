// What a Redis says of itself, and what of that an operator should know.

const oldest = 7;

/** @param info the answer to INFO */
export function warningsOf(info: string): readonly (readonly [fields: object, message: string])[] {
  const fields = new Map(
    info.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  const warnings: [object, string][] = [];
  const policy = fields.get('maxmemory_policy');
  // all keys in here have an expiry, so `volatile-*` takes them too
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push([
      { maxmemoryPolicy: policy },
      `Redis may evict keys (maxmemory-policy ${policy}): logouts may be forgotten too early; set it to noeviction`,
    ]);
  }
  const version = fields.get('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < oldest) {
    warnings.push([{ version }, `Redis ${version} is older than ${oldest}: not supported`]);
  }
  return warnings;
}
