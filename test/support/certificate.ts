// Certificates that nobody vouches for.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathOf } from './programs.js';

/** Files, in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** @param subject such as `DNS:localhost` or `IP:127.0.0.1` */
export function makeCertificate(folder: string, subject: string): Certificate {
  const name = subject.replace(/\W/g, '-');
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const extensions = ['-addext', `subjectAltName=${subject}`, '-subj', '/CN=a test'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync(pathOf('openssl'), ['req', ...kind, ...extensions, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  return { certificate, key };
}
