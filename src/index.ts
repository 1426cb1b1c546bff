// The public face of the package.

export { sessionProxy, type SessionProxy } from './session-proxy.js';
export type { SessionProxyOptions } from './parts.js';
export { ConfigError, type Config, type Mistake, type Options, type Route } from './config.js';
export type { KeeperEvent } from './keeper/events.js';
export { createMemoryStores, type MemoryStores, type MemoryStoresOptions } from './store/memory.js';
export { createRedisStore, type RedisStoreOptions } from './store/redis.js';
export type { AliveWord, EndWord, Reading, SessionStore, StoreListener } from './store/session-store.js';
export type { Logger } from './ops/log.js';
export type { SecurityHeaders } from './security-headers.js';
export type { SessionInfo } from './session-info.js';
export type { ProblemCode } from './problem.js';
