// OpenAM's web application and Tomcat, unpacked in a cache folder; Maven gets them where they are missing.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from './failure.mjs';
import { keepDirectoryOnLoopback } from './loopback.mjs';

const OPENAM = '16.0.5';
const TOMCAT = '10.1.60';
const JAVA = 17;

const run = promisify(execFile);

/** Resolves with the folders of the two. */
export async function getPrograms(say) {
  await checkJava();
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'am-session-proxy', 'openam');
  mkdirSync(cache, { recursive: true });
  const tomcat = join(cache, `tomcat-${TOMCAT}`);
  const webapp = join(cache, `openam-${OPENAM}`);
  if (!existsSync(tomcat)) {
    say(`getting Tomcat ${TOMCAT} with Maven (15 MB)`);
    await unpack(`org.apache.tomcat:tomcat:${TOMCAT}:tar.gz`, cache, (from) => {
      renameSync(join(from, `apache-tomcat-${TOMCAT}`), tomcat);
    });
  }
  if (!existsSync(webapp)) {
    say(`getting OpenAM ${OPENAM} with Maven (340 MB, and 700 MB on the disk)`);
    await unpack(`org.openidentityplatform.openam:openam-server:${OPENAM}:war`, cache, (from) => {
      keepDirectoryOnLoopback(join(from, 'WEB-INF', 'template', 'opendj', 'opendj.zip'));
      renameSync(from, webapp);
    });
  }
  return { tomcat, webapp };
}

async function checkJava() {
  const { stderr } = await run('java', ['-version']).catch(() => {
    throw new Failure(`needs Java ${JAVA} or later and finds no java: apt-get install -y default-jre-headless`);
  });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (!(major >= JAVA)) throw new Failure(`needs Java ${JAVA} or later; this one is ${stderr.split('\n')[0]}`);
}

/** A folder is in the cache whole or not at all, also when two runs fill it. */
async function unpack(artifact, cache, keep) {
  const staging = mkdtempSync(join(cache, 'unpacking-'));
  const to = join(staging, 'files');
  try {
    // in the staging folder: Maven writes markers where it runs
    await run('mvn', ['-q', '-B', '-ntp', 'dependency:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${to}`], {
      cwd: staging,
    });
    keep(to);
  } catch (error) {
    if (error.code === 'ENOENT' && error.syscall?.startsWith('spawn')) {
      throw new Failure('needs Maven and finds no mvn: apt-get install -y maven');
    }
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return;
    if (error.stdout === undefined) throw error;
    const reason = error.stdout.split('\n').find((line) => line.includes('ERROR')) ?? error.message;
    throw new Failure(`Maven could not get ${artifact}: ${reason.trim()}`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
