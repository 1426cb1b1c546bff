// The public face of the package.

export { sessionProxy, type SessionProxy } from './session-proxy.js';
export type { SessionProxyOptions } from './parts.js';
export { ConfigError, type Mistake, type Options } from './config.js';
export type { KeeperEvent } from './keeper/events.js';
export type { SessionInfo } from './session-info.js';
export type { ProblemCode } from './problem.js';
