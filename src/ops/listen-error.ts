// Why a server cannot listen, in words for whoever started it.

/** What `listen` fails with when the address is not to be had. */
const codes: ReadonlySet<string> = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

export interface ListenPlace {
  readonly host: string;
  readonly port: number;
  /** Names the setting of the port. */
  readonly setting: 'PORT' | 'ADMIN_PORT';
}

/** Its message names the setting, what is wrong with it, and Node's code. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(code: string, place: ListenPlace, cause: unknown) {
    super(`${describe(code, place)} (${code})`, { cause });
    this.code = code;
  }
}

/** The error as a {@link ListenError} if it is one of `listen`, else as it is. */
export function explainListenError(error: unknown, place: ListenPlace): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return codes.has(code) ? new ListenError(code, place, error) : error;
}

function describe(code: string, { host, port, setting }: ListenPlace): string {
  const hostSetting = setting === 'PORT' ? 'HOST' : 'ADMIN_HOST';
  switch (code) {
    case 'EADDRINUSE':
      return `${setting} ${port} on ${host} is taken by another process`;
    case 'EACCES':
      return `${setting} ${port} on ${host} is not for this user to listen on: take one above 1023`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${hostSetting} ${host} cannot be resolved`;
    default:
      return `${hostSetting} ${host} is no address of this machine`;
  }
}
