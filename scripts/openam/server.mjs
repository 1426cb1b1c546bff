// One OpenAM in a Tomcat of its own: a folder that is removed afterwards, ports that are free, addresses of loopback.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { prepareContainer } from './container.mjs';
import { Failure } from './failure.mjs';
import { startLeashed } from './leashed.mjs';
import { freePorts } from '../ports.mjs';

// OpenAM wants a name with a dot, and answers no other one.
const HOST = 'openam.example.org';
const DOMAIN = 'example.org';

// without these the server does not start on Java 17
const OPENED = [
  'java.base/sun.security.util',
  'java.base/sun.security.x509',
  'java.base/sun.security.tools.keytool',
  'java.security.jgss/sun.security.krb5',
  'java.xml/com.sun.org.apache.xerces.internal.dom',
];

const READY_S = 180;
const CONFIGURED_S = 240;

/** `url` is where it listens; `publicUrl` has the name that it knows itself by, which its callers send as `Host`. */
export async function createOpenAm({ tomcat, webapp, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'am-session-proxy-openam-'));
  const [port, ...directoryPorts] = await freePorts(4);
  const url = `http://127.0.0.1:${port}/openam`;
  const log = join(folder, 'tomcat.log');
  const adminPassword = randomBytes(12).toString('hex');
  prepareContainer(folder, { tomcat, webapp, host: HOST, port, directoryPort: directoryPorts[0], adminPassword });
  let server;

  const get = (path) => ask(url + path, { headers: { host: `${HOST}:${port}` }, timeout: 10_000 });

  async function start() {
    const output = openSync(log, 'a');
    const env = { ...process.env, CATALINA_HOME: tomcat };
    server = startLeashed('java', java(), { folder, stdio: ['ignore', output, output], cwd: folder, env });
    closeSync(output);
    await until('start', READY_S, async () => [200, 302].includes((await get('/')).status));
  }

  /** The Java command line. The hosts file spares the machine's own: Java looks nowhere else. */
  function java() {
    return [
      // A worker that ends an idle session waits for a read that only another worker can do: 120 s by default, in which
      // nobody logs in. Many sessions that end together would stop everything.
      '-Dorg.forgerock.services.cts.async.queue.timeout=3',
      '-Dorg.forgerock.services.cts.store.max.connections=65',
      // it lives for minutes: compiling well costs more than it saves
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Xms512m',
      '-Xmx1500m',
      // beans for JMX about web services that nobody calls: 2 s of each start
      '-Dcom.sun.xml.ws.monitoring.endpoint=false',
      '-Dcom.sun.xml.ws.monitoring.client=false',
      // the language that the defaults in its folder are for
      '-Duser.language=en',
      ...OPENED.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
      `-Djdk.net.hosts.file=${join(folder, 'hosts')}`,
      `-Djava.io.tmpdir=${join(folder, 'temp')}`,
      `-Djava.util.logging.config.file=${join(tomcat, 'conf', 'logging.properties')}`,
      '-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager',
      `-Dcom.iplanet.services.configpath=${join(folder, 'config')}`,
      `-Dcom.sun.identity.configuration.directory=${join(folder, 'config')}`,
      `-Dcatalina.home=${tomcat}`,
      `-Dcatalina.base=${folder}`,
      '-cp',
      ['bootstrap.jar', 'tomcat-juli.jar'].map((jar) => join(tomcat, 'bin', jar)).join(':'),
      'org.apache.catalina.startup.Bootstrap',
      'start',
    ];
  }

  async function until(what, seconds, holds) {
    const giveUpAt = performance.now() + seconds * 1000;
    for (;;) {
      if (!server.runs()) throw new Failure(`the server ended by itself; its last lines:\n${lastLines(log)}`);
      if (await holds().catch(() => false)) return;
      if (performance.now() > giveUpAt) {
        throw new Failure(`did not ${what} within ${seconds} s; its last lines:\n${lastLines(log)}`);
      }
      await pause(500);
    }
  }

  return {
    url,
    publicUrl: `http://${HOST}:${port}/openam`,
    adminPassword,
    start,
    async configure() {
      say('configuring');
      const form = configuration({ folder, port, directoryPorts, adminPassword });
      const { body } = await ask(`${url}/config/configurator`, {
        method: 'POST',
        headers: { host: `${HOST}:${port}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
        timeout: CONFIGURED_S * 1000,
      }).catch((error) => {
        throw new Failure(`was not configured: ${error.message}; its last lines:\n${lastLines(log)}`);
      });
      if (!/configuration complete/i.test(body)) throw new Failure(`could not be configured: ${body.trim()}`);
      await until('become ready', READY_S, async () => (await get('/isAlive.jsp')).status === 200);
    },
    stop: () => server.end(),
    /** As after an administrator's restart: the same sessions, the same ports. */
    async restart() {
      await start();
      await until('become ready again', READY_S, async () => (await get('/isAlive.jsp')).status === 200);
    },
    /** At once: a stop in good order takes 6 s, and what it would save goes with the folder. */
    async close() {
      await server?.kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The form of OpenAM's configurator: everything embedded, silently. */
function configuration({ folder, port, directoryPorts: [ldap, admin, jmx], adminPassword }) {
  const agentPassword = randomBytes(12).toString('hex');
  return new URLSearchParams({
    SERVER_URL: `http://${HOST}:${port}`,
    DEPLOYMENT_URI: '/openam',
    BASE_DIR: join(folder, 'config'),
    locale: 'en_US',
    PLATFORM_LOCALE: 'en_US',
    AM_ENC_KEY: randomBytes(24).toString('base64'),
    ADMIN_PWD: adminPassword,
    ADMIN_CONFIRM_PWD: adminPassword,
    AMLDAPUSERPASSWD: agentPassword,
    AMLDAPUSERPASSWD_CONFIRM: agentPassword,
    COOKIE_DOMAIN: DOMAIN,
    acceptLicense: 'true',
    DATA_STORE: 'embedded',
    DIRECTORY_SSL: 'SIMPLE',
    DIRECTORY_SERVER: HOST,
    DIRECTORY_PORT: String(ldap),
    DIRECTORY_ADMIN_PORT: String(admin),
    DIRECTORY_JMX_PORT: String(jmx),
    ROOT_SUFFIX: 'dc=openam,dc=example,dc=org',
    DS_DIRMGRDN: 'cn=Directory Manager',
    DS_DIRMGRPASSWD: adminPassword,
  });
}

// fetch sends no Host of one's own.
function ask(url, { body, ...options }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: text }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end(body);
  });
}

const lastLines = (log) => readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
