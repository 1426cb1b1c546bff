// The single-page app's files, and its index page for navigations that no file answers.

import { static as serveStatic, type RequestHandler } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
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
      res.setHeader('cache-control', cacheControl(res.req, path));
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
  const headers = Object.fromEntries(securityHeaders);
  return function spaFallback(req, res, next) {
    if (folder === undefined || !isNavigation(req)) return next();
    const caching = { 'cache-control': pageCacheControl(req) };
    res.sendFile('index.html', { root: folder, cacheControl: false, headers: { ...headers, ...caching } }, (error) => {
      if (error !== undefined) next(statusOf(error) === 404 ? undefined : error);
    });
  };
}

function cacheControl(req: IncomingMessage, path: string): string {
  if (/\.html?$/i.test(path)) return pageCacheControl(req);
  return isHashed(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/**
 * The app's page is nobody's secret, but what it has fetched by the time that the user leaves it is: whoever may be
 * signed in gets it `no-store`, else Chromium shows it whole at the back button, after a logout too. All others do not
 * load it again before it changes.
 */
function pageCacheControl({ headers }: IncomingMessage): string {
  return headers.cookie === undefined ? 'no-cache' : 'no-cache, no-store';
}

const NAME = /(?<start>^|[.-])(?<hash>[\w-]{8}|\w{9,64})(?:\.(?:chunk|bundle|min))?\.(?<type>[a-z]\w*)(?:\.map)?$/;
const CODE: ReadonlySet<string | undefined> = new Set(['js', 'mjs', 'css']);
/** What build tools emit besides; documents and data of people carry numbers of their own. */
const ASSETS: ReadonlySet<string | undefined> = new Set(
  'wasm woff woff2 ttf otf eot svg png jpg jpeg gif webp avif ico mp3 mp4 webm ogg'.split(' '),
);
const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/i;

/** webpack, Angular, older Vite and Rollup: hexadecimal; but no date. */
const HEX = /^(?=\d*[a-f])(?=[a-f]*\d)(?!(?:19|20)\d{6})[\da-f]+$/;
/** esbuild, newer Angular. Letters alone are words elsewhere, and with numbers at their end what cameras call photos. */
const BASE32_OF_CODE = /^(?=\d*[A-Z])[A-Z\d]{8}$/;
const BASE32 = /^(?=[A-Z]*\d+[A-Z])[A-Z2-7]{8}$/;
/** Vite, Rollup; longer ones with a number in it. */
const BASE64URL = /^(?=.*[a-z])(?=.*[A-Z])(?:.{8}$|.*\d)/;
/** `userData`, `BoldItalic`, `iPhone15`, `Report2024`, `Option-A`, `Dark512x512`: words and numbers of a person. */
const WORDS = new RegExp(
  `^i?(?:${[
    '[A-Z]?[a-z]{2,}(?![a-z])',
    '[A-Z]{2,}(?![A-Z])',
    '(?<=[-_])[A-Za-z](?![A-Za-z])',
    String.raw`(?<!\d)(?:\d{1,3}x?|\d{1,4}x\d{1,4}|(?:19|20)\d\d)(?!\d)`,
    '[-_]',
  ].join('|')})+$`,
);

/** Build tools put a hash of the content into the name, Next.js into the path: such a file never changes. */
function isHashed(path: string): boolean {
  if (/[\\/]_next[\\/]static[\\/]/.test(path)) return true;
  const { start, hash = '', type } = NAME.exec(basename(path))?.groups ?? {};
  if (!CODE.has(type) && !ASSETS.has(type)) return false;
  if (UUID.test(path)) return false;
  if (HEX.test(hash)) return true;
  if (start === '') return false;
  const isBase32 = (CODE.has(type) ? BASE32_OF_CODE : BASE32).test(hash);
  return isBase32 || (BASE64URL.test(hash) && !WORDS.test(hash));
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}
