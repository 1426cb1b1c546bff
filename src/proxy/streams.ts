// What stays open: sockets and event streams. They are closed when their session ends, or this server.

import type { Credential } from '../am/client.js';
import type { Keeper } from '../keeper/keeper.js';
import type { SessionEnd } from '../keeper/watches.js';

/** The codes of problems, where a session has ended. */
export type SessionEndCode = 'session_ended' | 'session_expired';
export type CloseReason = SessionEndCode | 'stopping';

export type StreamKind = 'websocket' | 'event-stream';

export interface Streams {
  /** Calls `onEnd` once, when the session ends. Returns what ends the watch. */
  watch(credential: Credential, onEnd: (code: SessionEndCode) => void): () => void;
  /**
   * Calls `close` once: when the session ends, or this server stops. At once if it has stopped already.
   *
   * @param kind is counted
   * @param credential undefined: on a public route
   * @returns to be called when it is closed, whoever did it
   */
  hold(kind: StreamKind, credential: Credential | undefined, close: (reason: CloseReason) => void): () => void;
  /** Closes all; resolves when they are closed. */
  stop(): Promise<void>;
  /** How many are open. */
  readonly open: Readonly<Record<StreamKind, number>>;
}

const codes: Readonly<Record<SessionEnd, SessionEndCode>> = { ended: 'session_ended', dead: 'session_expired' };

export function createStreams(keeper: Pick<Keeper, 'watch'>): Streams {
  const held = new Set<(reason: CloseReason) => void>();
  const onAllClosed: (() => void)[] = [];
  const open = { websocket: 0, 'event-stream': 0 };
  let stopping = false;

  const watch: Streams['watch'] = (credential, onEnd) => keeper.watch(credential, (how) => onEnd(codes[how]));

  return {
    watch,
    open,
    hold(kind, credential, close) {
      let isClosing = false;
      const closeOnce = (reason: CloseReason): void => {
        if (isClosing) return;
        isClosing = true;
        close(reason);
      };
      held.add(closeOnce);
      open[kind]++;
      const unwatch = credential && watch(credential, closeOnce);
      if (stopping) closeOnce('stopping');
      return () => {
        unwatch?.();
        if (held.delete(closeOnce)) open[kind]--;
        if (held.size === 0) for (const tell of onAllClosed.splice(0)) tell();
      };
    },
    async stop() {
      stopping = true;
      for (const close of held) close('stopping');
      if (held.size > 0) await new Promise<void>((resolve) => onAllClosed.push(resolve));
    },
  };
}
