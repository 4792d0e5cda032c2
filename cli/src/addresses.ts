import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliErrors } from './cli-errors.ts';
import type { Terminal } from './terminal.ts';

/** The fields that the command reads from the run file of `npm start`. */
interface RunFile {
  ready?: boolean;
  amqpUrl?: string;
  managementUrl?: string;
  databaseUrl?: string;
  /** URLs of the APIs, by service name. */
  urls?: Record<string, string>;
}

const SERVERS = {
  broker: { variable: 'AMQP_URL', field: 'amqpUrl' },
  database: { variable: 'DATABASE_URL', field: 'databaseUrl' },
} as const;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The URL of the broker, the database or the API of a service: from the environment (`<SERVICE>_URL` for an API), or else from `run.json` in
 * the data directory, which a running `npm start` maintains.
 * @throws `CLI_ADDRESS_UNKNOWN` when neither has it.
 */
export function addressOf(part: keyof typeof SERVERS | { api: string }, env: Terminal['env']): string {
  const path = runFileOf(env);
  const run = readRunFile(path);
  const [variable, noted, what, start] =
    typeof part === 'string'
      ? [SERVERS[part].variable, run?.[SERVERS[part].field], `the ${part}`, 'npm start']
      : [`${part.api.toUpperCase()}_URL`, run?.urls?.[part.api], `the ${part.api} service`, 'npm start -- --all'];
  const url: unknown = env[variable] || noted;
  if (typeof url === 'string' && URL.canParse(url)) return url;
  if (url) throw cliErrors.CLI_ADDRESS_UNKNOWN(`${variable} must be a URL`);
  const waiting = run && !run.ready;
  const advice = waiting
    ? `wait until "npm start" is ready (${path} does not have it yet)`
    : `run "${start}" (${run ? `${path} does not have it` : `no ${path}; if it runs with a DATA_DIR, set the same one here`})`;
  throw cliErrors.CLI_ADDRESS_UNKNOWN(`no address of ${what}: ${advice}, or set ${variable}`);
}

/**
 * The URL of the broker's management API, from `MANAGEMENT_URL` or the run file; `undefined` when unknown: an external broker need not have
 * one. The URL in the run file belongs to the broker in the run file, so it is ignored if `AMQP_URL` names another broker.
 */
export function managementUrl(env: Terminal['env']): string | undefined {
  const url = env.MANAGEMENT_URL || (env.AMQP_URL ? undefined : readRunFile(runFileOf(env))?.managementUrl);
  if (url === undefined) return undefined;
  if (typeof url === 'string' && URL.canParse(url)) return url;
  throw cliErrors.CLI_ADDRESS_UNKNOWN('MANAGEMENT_URL must be a URL');
}

const runFileOf = (env: Terminal['env']) => resolve(ROOT, env.DATA_DIR || '.data', 'run.json');

function readRunFile(path: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cliErrors.CLI_ADDRESS_UNKNOWN(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Host and port of a URL, for messages: never the password. */
export function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return port ? `${hostname}:${port}` : hostname;
}
