// What the developer tools of a browser show of a page: heads of answers, frames, events and the console, as text.

import type { Page } from 'playwright-core';

export interface Noted {
  readonly kind: 'head' | 'frame' | 'event' | 'console';
  readonly text: string;
}

/** From now on, over all documents of the page; what is noted goes into the list. */
export async function openDeveloperTools(page: Page): Promise<Noted[]> {
  const noted: Noted[] = [];
  const note = (kind: Noted['kind'], said: unknown): void => void noted.push({ kind, text: JSON.stringify(said) });
  const tools = await page.context().newCDPSession(page);
  // as they came, with what scripts are not shown
  tools.on('Network.responseReceivedExtraInfo', ({ headers, headersText }) => note('head', { headers, headersText }));
  tools.on('Network.webSocketHandshakeResponseReceived', ({ response: { headers, headersText } }) =>
    note('head', { headers, headersText }),
  );
  tools.on('Network.webSocketFrameReceived', ({ response }) => note('frame', response));
  tools.on('Network.eventSourceMessageReceived', (event) => note('event', event));
  tools.on('Runtime.consoleAPICalled', ({ args }) => note('console', args));
  tools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => note('console', exceptionDetails));
  tools.on('Log.entryAdded', ({ entry }) => note('console', entry));
  for (const domain of ['Network', 'Runtime', 'Log'] as const) await tools.send(`${domain}.enable`);
  return noted;
}
