import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The logins of a data directory: drawn at the first start, kept beside the data that they open (mode 0600).
 * @typedef {object} Credentials
 * @property {string} id tells this data directory apart from every other, also one at the same place later
 * @property {{user: string, password: string}} broker
 * @property {string} databasePassword
 */

/** @param {string} file @returns {Credentials} */
export function loadCredentials(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  const credentials = createCredentials();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return credentials;
}

/** @returns {Credentials} */
export function createCredentials() {
  return {
    id: randomBytes(6).toString('hex'),
    broker: { user: 'warren', password: randomBytes(12).toString('hex') },
    databasePassword: randomBytes(12).toString('hex'),
  };
}
