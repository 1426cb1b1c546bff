// What the proxies of one route have in common.

import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { Config, Route } from '../config.js';
import type { Denial } from '../denial.js';
import type { Agents } from './agents.js';
import type { ReportParser, UpstreamReport } from './failures.js';
import type { RouteHeaders } from './route-headers.js';
import type { Streams } from './streams.js';
import type { UpstreamDeadline } from './upstream-deadline.js';

export interface RouteContext {
  readonly config: Config;
  readonly route: Route;
  readonly agents: Agents;
  readonly headers: RouteHeaders;
  readonly upstream: UpstreamReport;
  readonly reportParser: ReportParser;
  readonly deadline: UpstreamDeadline;
  readonly streams: Streams;
  readonly denial: Denial;
  /** Sets the headers that every answer of our own carries. */
  readonly prepare: (res: ServerResponse, requestId: string) => void;
  readonly clock: Clock;
}
