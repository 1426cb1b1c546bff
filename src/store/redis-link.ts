// A connection that is kept: opened, asked for signs of life, and opened again soon after it is lost.

import { systemClock, type Timer } from '../clock.js';

export interface Link {
  /** Resolves when all that it is for works. */
  open(): Promise<void>;
  ping(): Promise<unknown>;
  /** Lets go of it, in whatever state it is; may be called twice. */
  close(): void;
}

export interface LinkKeeper {
  /** @param lost to be told when it works no longer, not before this returns */
  makeLink(lost: (error: unknown) => void): Link;
  onOpen(): void;
  /** It could not be opened, or was lost. */
  onLost(error: unknown): void;
}

/** How long a server may take to accept and shake hands, or to answer. */
const patienceMs = 2000;
const beatMs = 1000;
/** Jittered, so that not all nodes come back at the same moment; a logout told meanwhile is to be known within a second. */
const pauseMs = () => 100 + Math.random() * 300;

/** @returns ends it */
export function keepLink(keeper: LinkKeeper): () => void {
  let closed = false;
  let link: Link | undefined;
  let timer: Timer | undefined;

  function start(): void {
    let over = false;
    const current = keeper.makeLink(lost);
    link = current;
    expect(current.open(), () => {
      keeper.onOpen();
      wait(beat, beatMs);
    });

    function beat(): void {
      if (!over) expect(current.ping(), () => wait(beat, beatMs));
    }

    /** Whatever is asked of it is answered in time, or it is lost. */
    function expect(answer: Promise<unknown>, proceed: () => void): void {
      let answered = false;
      const giveUp = () => answered || lost(new Error(`no answer within ${patienceMs} ms`));
      // if it was this process that stood still, the answer lies there: it is read before the immediate runs
      wait(() => setImmediate(giveUp), patienceMs);
      answer.then(() => {
        answered = true;
        if (!over && !closed) proceed();
      }, lost);
    }

    function lost(error: unknown): void {
      if (over) return;
      over = true;
      // first: whatever goes wrong with the old one, there is a new one
      wait(start, pauseMs());
      current.close();
      if (!closed) keeper.onLost(error);
    }
  }

  function wait(callback: () => void, ms: number): void {
    if (timer) systemClock.clearTimer(timer);
    timer = closed ? undefined : systemClock.setTimer(callback, ms);
  }

  start();
  return () => {
    closed = true;
    if (timer) systemClock.clearTimer(timer);
    link?.close();
  };
}
