// What to look at when a server cannot be reached.

/** @param code as Node says it; undefined is returned for what needs no hint */
export function connectHint(code: string): string | undefined {
  if (code === 'ECONNREFUSED') return 'nothing listens there: is it running?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name cannot be resolved: see DNS';
  if (code === 'EPROTO') return 'is its URL https, but the port one that speaks plain http?';
  if (/CERT|SELF_SIGNED|ALTNAME/.test(code)) return 'does Node trust its certificate? see NODE_EXTRA_CA_CERTS';
  return undefined;
}
