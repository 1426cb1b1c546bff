// The single-page app's files, and its index page for navigations that no file answers.

import { static as serveStatic, type RequestHandler } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNavigation } from './activity.js';
import { canAnswer, sendProblem } from './problem.js';
import { setHeaders, type SecurityHeaders } from './security-headers.js';

/** Works on plain `node:http` objects; what it has no file for goes on untouched. */
export type PlainHandler = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

export function createStaticFiles(folder: string, securityHeaders: SecurityHeaders): PlainHandler {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- serve-static needs nothing of Express
  const serve = serveStatic(folder, {
    // its answer would carry none of our headers; a page in a folder has a name
    redirect: false,
    setHeaders(res, path) {
      setHeaders(res, securityHeaders);
      res.setHeader('cache-control', isHashed(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  }) as unknown as PlainHandler;

  return (req, res, next) =>
    serve(req, res, (error) => {
      if (error === undefined) return next();
      // there is a file, but not for this request: a range outside of it, a precondition that fails
      if (statusOf(error) < 500 && canAnswer(res)) return sendProblem(res, 'bad_request');
      next(error);
    });
}

/** An Express handler, to be mounted last: the app's `index.html` for navigations. */
export function createSpaFallback(folder: string | undefined, securityHeaders: SecurityHeaders): RequestHandler {
  const headers = { ...Object.fromEntries(securityHeaders), 'cache-control': 'no-cache' };
  return function spaFallback(req, res, next) {
    if (folder === undefined || !isNavigation(req)) return next();
    res.sendFile('index.html', { root: folder, cacheControl: false, headers }, (error: unknown) => {
      if (error !== undefined) next(statusOf(error) === 404 ? undefined : error);
    });
  };
}

/** Build tools put a hash of the content into the name (hexadecimal, base32, base64url): such a file never changes. */
const hashes = [
  /^(?=.*\d)(?=.*[a-f])[\da-f]+$/,
  /^(?=.*\d)(?=.*[A-Z])[A-Z2-7]+$/,
  /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])\w+$/,
];

function isHashed(path: string): boolean {
  const [, word] = /[.-](\w{8,})\.[a-z0-9]+$/.exec(path) ?? [];
  return word !== undefined && !path.endsWith('.html') && hashes.some((hash) => hash.test(word));
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}
