import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The credentials of a data directory: generated at the first start, stored next to the data that they protect (mode 0600).
 * @typedef {object} Credentials
 * @property {string} id unique id of this data directory; a later directory at the same path has another one
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
