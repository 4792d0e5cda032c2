import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ExplainedError } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';

const TIMEOUT_MS = 10_000;

/**
 * Checks that the database of `DATABASE_URL` accepts our login.
 * @param {string} url
 */
export async function checkDatabase(url) {
  requireProtocol('DATABASE_URL', url, ['postgres:', 'postgresql:']);
  try {
    await knockAtDatabase(url);
  } catch (error) {
    throw unusable('DATABASE_URL', url, error);
  }
}

/** @param {string} url */
async function knockAtDatabase(url) {
  const { Client } = createRequire(join(ROOT, 'shared', 'event-store', 'package.json'))('pg');
  const { databaseTargetOf } = await importBuilt('event-store');
  const client = new Client({ ...databaseTargetOf(url), connectionTimeoutMillis: TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Checks that the broker of `AMQP_URL` accepts our login.
 * @param {string} url
 */
export async function checkBroker(url) {
  requireProtocol('AMQP_URL', url, ['amqp:', 'amqps:']);
  const amqplib = createRequire(join(ROOT, 'shared', 'event-bus', 'package.json'))('amqplib');
  const { amqpTargetOf } = await importBuilt('event-bus');
  try {
    const connection = await amqplib.connect(amqpTargetOf(url), { timeout: TIMEOUT_MS });
    await connection.close();
  } catch (error) {
    throw unusable('AMQP_URL', url, error);
  }
}

/**
 * Imports a package of the kit, for what must work exactly as in the services. It exists only after the build, so scripts cannot import it
 * statically.
 * @param {'event-bus' | 'event-store'} name
 */
const importBuilt = (name) => import(pathToFileURL(join(ROOT, 'shared', name, 'dist', 'index.js')).href);

/** @param {string} setting @param {string} url @param {string[]} protocols */
function requireProtocol(setting, url, protocols) {
  if (URL.canParse(url) && protocols.includes(new URL(url).protocol)) return;
  throw new ExplainedError(
    `${setting} must be a URL that starts with ${protocols.map((one) => `${one}//`).join(' or ')}.`,
  );
}

/** @param {string} setting @param {string} url @param {unknown} error */
function unusable(setting, url, error) {
  const { hostname, port } = new URL(url);
  const reasons = error instanceof AggregateError ? error.errors : [error];
  const why = reasons
    .map((one) => /** @type {Error} */ (one).message || /** @type {NodeJS.ErrnoException} */ (one).code)
    .join('; ');
  return new ExplainedError(
    `${setting} points to ${hostname}${port ? `:${port}` : ''}, which cannot be used: ${why}\nCorrect ${setting}, or leave it out: npm start then brings its own.`,
  );
}
