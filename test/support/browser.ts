// Chromium without a window, with a profile of its own.

import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { pathOf } from './programs.js';

export interface BrowserOptions {
  /** Whether whole pages are kept for the back button, as browsers do and Playwright does not. */
  readonly backForwardCache?: boolean;
  /** A file, in PEM: taken for valid, as what comes with any other is not cached. */
  readonly certificate?: string;
}

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** Names under `example.test` are this machine. */
export async function startBrowser({ backForwardCache = true, certificate }: BrowserOptions = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: pathOf('chromium'),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP *.example.test 127.0.0.1',
      ...(certificate === undefined ? [] : [`--ignore-certificate-errors-spki-list=${publicKeyHash(certificate)}`]),
    ],
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function publicKeyHash(certificate: string): string {
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}
