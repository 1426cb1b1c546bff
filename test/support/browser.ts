// Chromium without a window, with a profile of its own.

import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { pathOf } from './programs.js';

export interface BrowserOptions {
  /** Whether whole pages are kept for the back button, as browsers do and Playwright does not. */
  readonly backForwardCache?: boolean;
  /** A file, in PEM: taken for valid, as what comes with any other is not cached. */
  readonly certificate?: string;
  /** Whether requests that other sites cause carry the cookies that are `SameSite=None`. Debian has that off. */
  readonly thirdPartyCookies?: boolean;
}

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** Names under `test` are this machine. */
export async function startBrowser({
  backForwardCache = true,
  certificate,
  thirdPartyCookies = false,
}: BrowserOptions = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  if (thirdPartyCookies) {
    mkdirSync(join(profile, 'Default'));
    writeFileSync(join(profile, 'Default', 'Preferences'), '{"profile":{"cookie_controls_mode":0}}');
  }
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
      '--host-resolver-rules=MAP *.test 127.0.0.1',
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
