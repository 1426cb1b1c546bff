// Requests that a client sends before it has the answers to earlier ones (RFC 9112, 9.3.2). No browser does.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createAttachment } from './attachment.js';
import { createQueue, type Queue } from './queue.js';

const waiting = createAttachment<Duplex, Set<ServerResponse>>('waiting answers');

/**
 * Node tells only the answer whose turn it is that the connection is gone. Those to requests pipelined behind it would
 * stay open for ever, with all that waits for their end. More than one call for an answer does no harm.
 */
export function endWithConnection({ socket }: IncomingMessage, res: ServerResponse): void {
  // its turn has come: Node itself does
  if (res.socket) return;
  let unsent = waiting.get(socket);
  if (!unsent) {
    const answers = new Set<ServerResponse>();
    waiting.set(socket, (unsent = answers));
    socket.once('close', () => answers.forEach(end));
  }
  if (unsent.has(res)) return;
  unsent.add(res);
  res.once('close', () => unsent.delete(res));
  if (socket.destroyed) end(res);
}

function end(res: ServerResponse): void {
  res.destroy();
  res.emit('close');
}

export interface OpenAnswers {
  /** Counts the answer among those of its connection; false: the client has too many to wait for, the connection is ended. */
  admit(req: IncomingMessage, res: ServerResponse): boolean;
  /** Whether a part of an answer has been sent. */
  isSending(socket: Duplex): boolean;
}

/** @param max on a connection at a time */
export function createOpenAnswers(max: number): OpenAnswers {
  const answers = createAttachment<Duplex, Queue<ServerResponse>>('open answers');

  return {
    admit(req, res) {
      const { socket } = req;
      let open = answers.get(socket);
      if (!open) answers.set(socket, (open = createQueue()));
      if (socket.destroyed || open.size >= max) {
        socket.destroy();
        endWithConnection(req, res);
        return false;
      }
      const entry = open.add(res);
      res.on('close', () => open.remove(entry));
      endWithConnection(req, res);
      return true;
    },
    isSending: (socket) => [...(answers.get(socket) ?? [])].some((res) => res.headersSent),
  };
}
