// The way of a request through the simulator: journal, body, fault, endpoint, answer.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Am, header, readTokens } from './am.js';
import type { Answer } from './answers.js';
import type { Control } from './control.js';
import { type Delivery, doesWork } from './delivery.js';
import { createEndpoints } from './endpoints.js';
import type { Faults } from './faults.js';
import type { Journal } from './journal.js';
import { hashToken } from './tokens.js';

const CONTEXT = '/am';
const MAX_BODY_BYTES = 1024 * 1024;

/** For requests that a fault met before AM could work on them. */
const NO_ANSWER: Answer = { status: 0, headers: {}, body: '', outcome: 'faulted', reset: false };

export interface ListenerOptions {
  readonly am: Am;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly delivery: Delivery;
  readonly control: Control;
}

/** The whole body; undefined if it is too large or the connection broke. */
async function readBody(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Left whole, the connection can still carry the 413.
    const stream: AsyncIterable<Buffer> = req.iterator({ destroyOnReturn: false });
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function createRequestListener({ am, journal, faults, delivery, control }: ListenerOptions) {
  const { answers } = am;
  const endpoints = createEndpoints(am);

  async function answerControl(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    const body = await readBody(req);
    delivery.send(res, body === undefined ? answers.empty(413) : control(req, path, body));
  }

  async function answerAsAm(req: IncomingMessage, res: ServerResponse, path: string, query: URLSearchParams) {
    const { headers, method = '' } = req;
    const tokens = readTokens(headers, am);
    const token = tokens.headerToken ?? tokens.cookieToken;
    const entry = journal.open({
      method,
      path: CONTEXT + path,
      ...endpoints.route(path, query),
      session: token === undefined ? undefined : hashToken(token),
      version: header(headers, 'Accept-API-Version'),
    });
    const finish = (aborted: boolean): void => {
      if (res.headersSent) entry.status = res.statusCode;
      journal.finish(entry, aborted);
    };
    res.once('finish', () => finish(false));
    res.once('close', () => finish(true));

    const body = await readBody(req);
    const fault = faults.take(entry.action, entry.session);
    const work = (): Answer =>
      body === undefined ? answers.empty(413) : endpoints.answer({ method, path, query, headers, body, ...tokens });
    const given = doesWork(fault) ? work() : NO_ANSWER;
    entry.outcome = given.outcome;
    entry.reset = given.reset;
    entry.fault = fault?.kind;
    delivery.deliver(res, given, fault);
  }

  return async function listener(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Node would send this machine's time; AM's answers carry AM's.
    res.sendDate = false;
    res.setHeader('Date', new Date(am.clock.now()).toUTCString());
    const target = req.url ?? '';
    const [rawPath = '', ...rest] = target.split('?');
    const query = new URLSearchParams(rest.join('?'));
    const inContext = rawPath === CONTEXT || rawPath.startsWith(`${CONTEXT}/`);
    if (!inContext) return delivery.send(res, answers.empty(404));
    const path = rawPath.slice(CONTEXT.length);
    return path.startsWith('/__') ? answerControl(req, res, path) : answerAsAm(req, res, path, query);
  };
}
