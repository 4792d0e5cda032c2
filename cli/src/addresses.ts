import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliErrors } from './cli-errors.ts';
import type { Terminal } from './terminal.ts';

/** Where the system runs: each address by its environment variable, and by its name in the run file of `npm start`. */
const ADDRESSES = {
  order: { env: 'ORDER_URL', field: 'apiUrl', what: 'the order API' },
  broker: { env: 'AMQP_URL', field: 'amqpUrl', what: 'the broker' },
  database: { env: 'DATABASE_URL', field: 'databaseUrl', what: 'the database' },
} as const;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The URL of a part of the system: from the environment, else from `run.json` in the data directory, which a running `npm start` keeps.
 * @throws `CLI_ADDRESS_UNKNOWN` when neither has it.
 */
export function addressOf(part: keyof typeof ADDRESSES, env: Terminal['env']): string {
  const { env: variable, field, what } = ADDRESSES[part];
  const path = resolve(ROOT, env.DATA_DIR || '.data', 'run.json');
  const url = env[variable] || readRunFile(path)[field];
  if (typeof url === 'string' && URL.canParse(url)) return url;
  const message = url
    ? `${variable} must be a URL, not "${url}"`
    : `no address of ${what}: run "npm start" (${path} is not there), or set ${variable}`;
  throw cliErrors.CLI_ADDRESS_UNKNOWN(message);
}

function readRunFile(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw cliErrors.CLI_ADDRESS_UNKNOWN(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Host and port of a URL, for messages: never the password. */
export function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return port ? `${hostname}:${port}` : hostname;
}
