// What a page of somebody else's can do to an application whose user has it open: as text, to be run in pages.

export interface Attack {
  readonly script: (app: string) => string;
  /** The request that comes of it: method and path. */
  readonly arrives: string;
  /** What it is answered with. */
  readonly status: number;
  /** What it is answered with where a page of the application does the same. */
  readonly own: number;
  /** A whole page is loaded: browsers also send those cookies that are `SameSite=Lax`. */
  readonly isPage?: boolean;
}

const form = (method: string, url: string, target = '_self', content = '') => `{
  document.body.innerHTML = '<iframe name="frame" hidden></iframe>'
    + '<form method="${method}" action="${url}" target="${target}" ${content}><input name="order" value="1"></form>';
  document.forms[0].submit();
}`;
const call = (url: string, init: string) =>
  `fetch('${url}', { credentials: 'include', ${init} }).then(() => 'sent', () => 'failed')`;
const element = (html: string) => `document.body.innerHTML = '${html}'`;

/** By what their page does. */
export const attacks = {
  'a form posts to the logout': {
    script: (app) => form('post', `${app}/logout`),
    arrives: 'POST /logout',
    status: 403,
    own: 303,
    isPage: true,
  },
  'a form posts to the API': {
    script: (app) => form('post', `${app}/api/orders`),
    arrives: 'POST /api/orders',
    status: 403,
    own: 200,
    isPage: true,
  },
  'a form posts what could be JSON': {
    script: (app) => form('post', `${app}/api/orders`, '_self', 'enctype="text/plain"'),
    arrives: 'POST /api/orders',
    status: 403,
    own: 200,
    isPage: true,
  },
  'a form in a hidden frame posts to the logout': {
    script: (app) => form('post', `${app}/logout`, 'frame'),
    arrives: 'POST /logout',
    status: 403,
    own: 303,
  },
  'a call posts to the logout': {
    script: (app) => call(`${app}/logout`, `method: 'POST', mode: 'no-cors'`),
    arrives: 'POST /logout',
    status: 403,
    own: 200,
  },
  'a call posts to the API': {
    script: (app) => call(`${app}/api/orders`, `method: 'POST', mode: 'no-cors', body: '{"order":1}'`),
    arrives: 'POST /api/orders',
    status: 403,
    own: 200,
  },
  'a call posts to the API, and asks to read the answer': {
    script: (app) => call(`${app}/api/orders`, `method: 'POST', body: '{"order":1}'`),
    arrives: 'POST /api/orders',
    status: 403,
    own: 200,
  },
  'a beacon posts to the API': {
    script: (app) => `navigator.sendBeacon('${app}/api/orders', '{"order":1}')`,
    arrives: 'POST /api/orders',
    status: 403,
    own: 200,
  },
  'a call posts so that the session is refreshed': {
    script: (app) => call(`${app}/session/refresh`, `method: 'POST', mode: 'no-cors'`),
    arrives: 'POST /session/refresh',
    status: 403,
    own: 200,
  },
  'a socket is opened to the API': {
    script: (app) => `new WebSocket('${app.replace('http', 'ws')}/api/socket')`,
    arrives: 'GET /api/socket',
    status: 403,
    own: 101,
  },
  'a link leads to the logout': {
    script: (app) => element(`<a href="${app}/logout">`) + `; document.querySelector('a').click()`,
    arrives: 'GET /logout',
    status: 200,
    own: 303,
    isPage: true,
  },
  'a form without a method leads to the logout': {
    script: (app) => form('get', `${app}/logout`),
    arrives: 'GET /logout?order=1',
    status: 200,
    own: 303,
    isPage: true,
  },
  'a frame loads the logout': {
    script: (app) => element(`<iframe src="${app}/logout"></iframe>`),
    arrives: 'GET /logout',
    status: 200,
    own: 303,
  },
  'an image loads the logout': {
    script: (app) => element(`<img src="${app}/logout">`),
    arrives: 'GET /logout',
    status: 405,
    own: 405,
  },
  'a call loads the logout': {
    script: (app) => call(`${app}/logout`, `mode: 'no-cors'`),
    arrives: 'GET /logout',
    status: 405,
    own: 405,
  },
} satisfies Record<string, Attack>;

/** What asks first whether it may: the browser sends `OPTIONS`, and nothing after that. */
export const asking: Readonly<Record<string, (app: string) => string>> = {
  'with a body as JSON': (app) =>
    call(`${app}/api/orders`, `method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}'`),
  'with DELETE': (app) => call(`${app}/api/orders`, `method: 'DELETE'`),
  'with a header of its own': (app) => call(`${app}/logout`, `method: 'POST', headers: { 'x-requested-with': 'x' }`),
};

/** What a page learns of answers that it asks for in every way there is. */
export const readAll = (url: string) => `(async () => {
  const learned = [];
  for (const mode of ['cors', 'no-cors'])
    learned.push(await fetch('${url}', { credentials: 'include', mode }).then((answer) => answer.text(), () => ''));
  learned.push(await new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = () => { try { resolve(frame.contentDocument?.body.textContent ?? ''); } catch { resolve(''); } };
    frame.src = '${url}';
    document.body.append(frame);
  }));
  learned.push(await new Promise((resolve) => {
    const script = document.createElement('script');
    script.onload = () => resolve('loaded');
    script.onerror = () => resolve('');
    script.src = '${url}';
    document.body.append(script);
  }));
  return learned;
})()`;
