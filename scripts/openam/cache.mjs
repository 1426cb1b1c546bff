// OpenAM's web application and Tomcat, unpacked in a cache folder; Maven gets them where they are missing.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from './failure.mjs';
import { startLeashed } from './leashed.mjs';
import { keepDirectoryOnLoopback } from './loopback.mjs';

const OPENAM = '16.0.5';
const TOMCAT = '10.1.60';
const JAVA = 17;

/** For each of the two, however slow the network is. */
const DOWNLOAD_S = 600;

const run = promisify(execFile);

/** Resolves with the folders of the two; `signal` ends it early. */
export async function getPrograms(say, signal) {
  await checkJava();
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'am-session-proxy', 'openam');
  mkdirSync(cache, { recursive: true });
  const tomcat = join(cache, `tomcat-${TOMCAT}`);
  const webapp = join(cache, `openam-${OPENAM}`);
  if (!existsSync(tomcat)) {
    say(`getting Tomcat ${TOMCAT} with Maven (15 MB)`);
    await unpack(`org.apache.tomcat:tomcat:${TOMCAT}:tar.gz`, cache, signal, (from) => {
      renameSync(join(from, `apache-tomcat-${TOMCAT}`), tomcat);
    });
  }
  if (!existsSync(webapp)) {
    say(`getting OpenAM ${OPENAM} with Maven (340 MB, and 700 MB on the disk)`);
    await unpack(`org.openidentityplatform.openam:openam-server:${OPENAM}:war`, cache, signal, (from) => {
      keepDirectoryOnLoopback(join(from, 'WEB-INF', 'template', 'opendj', 'opendj.zip'));
      renameSync(from, webapp);
    });
  }
  return { tomcat, webapp };
}

async function checkJava() {
  const { stderr } = await run('java', ['-version'], { timeout: 30_000 }).catch(() => {
    throw new Failure(`needs Java ${JAVA} or later and finds no java: apt-get install -y default-jre-headless`);
  });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (!(major >= JAVA)) throw new Failure(`needs Java ${JAVA} or later; this one is ${stderr.split('\n')[0]}`);
}

/** A folder is in the cache whole or not at all, also when two runs fill it. */
async function unpack(artifact, cache, signal, keep) {
  const staging = mkdtempSync(join(cache, 'unpacking-'));
  const to = join(staging, 'files');
  try {
    await runMaven(['dependency:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${to}`], staging, signal);
    keep(to);
  } catch (error) {
    // somebody else was faster
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Runs in a folder of its own: it leaves markers where it runs. */
async function runMaven(args, folder, signal) {
  const maven = startLeashed('mvn', ['-q', '-B', '-ntp', ...args], {
    folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: folder,
  });
  let output = '';
  maven.child.stdout.on('data', (chunk) => (output += chunk));
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_S * 1000)]);
  deadline.addEventListener('abort', () => void maven.kill());
  const code = await maven.exited;
  if (code === 0) return;
  if (!maven.isFound()) throw new Failure('needs Maven and finds no mvn: apt-get install -y maven');
  const line = output.split('\n').find((text) => text.includes('ERROR'));
  const reason = deadline.aborted ? `not within ${DOWNLOAD_S} s` : (line ?? `mvn ended with ${code}`);
  throw new Failure(`Maven could not get ${args[1].split('=')[1]}: ${reason.trim()}`);
}
