import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');

/**
 * The directory of everything that outlasts a run.
 * @param {NodeJS.ProcessEnv} env `DATA_DIR`, relative to the checkout; default `.data`
 */
export function dataDirectory(env = process.env) {
  return resolve(ROOT, env.DATA_DIR?.trim() || '.data');
}

/** Files of a data directory. @param {string} dataDir */
export function dataFiles(dataDir) {
  return {
    lock: join(dataDir, 'lock.json'),
    runState: join(dataDir, 'run.json'),
    credentials: join(dataDir, 'credentials.json'),
    postgres: join(dataDir, 'postgres'),
    rabbitmq: join(dataDir, 'rabbitmq'),
    logs: join(dataDir, 'logs'),
  };
}
