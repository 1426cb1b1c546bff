// The public face of the package.

export { sessionProxy, type SessionProxy, type SessionProxyOptions } from './session-proxy.js';
export { ConfigError, type Mistake, type Options } from './config.js';
export type { KeeperEvent } from './keeper/events.js';
export type { SessionInfo } from './session-info.js';
export type { ProblemCode } from './problem.js';
