import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startChild } from './child.mjs';
import { ExplainedError } from './explained-error.mjs';
import { tailOf } from './log-tail.mjs';
import { poll } from './poll.mjs';
import { locatePostgres } from './postgres-binaries.mjs';
import { checkVersion, createCluster, DATABASE, USER } from './postgres-cluster.mjs';
import { asksForPassword } from './postgres-ping.mjs';
import { planUnprivilegedLaunch, userOf } from './unprivileged.mjs';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} PostgresOptions
 * @property {string} dataDir created and initialized at the first start
 * @property {string} password of its only user; set at the first start
 * @property {string} logFile
 * @property {number} port
 * @property {boolean} [durable] false disables fsync: an ended process loses nothing, but a crashed machine does; default true
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} [signal] aborts the start and leaves nothing running
 * @property {(child: import('./child.mjs').Child) => void} [onStarted] told as soon as there is a process, before it is ready
 *
 * @typedef {object} Postgres
 * @property {string} url
 * @property {number} port
 * @property {import('./child.mjs').Child} child
 */

/**
 * Starts the Postgres that npm installed, on loopback only, and waits until it accepts connections.
 * @param {PostgresOptions} options
 * @returns {Promise<Postgres>}
 */
export async function startPostgres(options) {
  const { dataDir, password, logFile, port, durable = true, signal, onStarted } = options;
  const binaries = locatePostgres();
  mkdirSync(dirname(dataDir), { recursive: true });
  const launch = planUnprivilegedLaunch([join(binaries.bin, 'postgres'), dataDir], ownerOf(dataDir));
  const env = { ...options.env, LC_ALL: 'C', LC_MESSAGES: 'C' };
  if (!existsSync(join(dataDir, 'PG_VERSION')))
    await createCluster({ dataDir, password, binaries, launch, env, durable, signal });
  checkVersion(dataDir, binaries.majorVersion);

  signal?.throwIfAborted();
  const [command = '', ...args] = [
    ...launch.prefix,
    join(binaries.bin, 'postgres'),
    '-D',
    dataDir,
    '-p',
    String(port),
    ...settings(durable),
  ];
  const child = await startChild({
    name: 'postgres',
    command,
    args,
    env,
    logFile,
    // SIGINT is its fast shutdown: ends connections, writes a checkpoint.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 20_000,
    ...userOf(launch),
  });
  onStarted?.(child);
  try {
    await waitUntilReady(child, { port, signal, logFile });
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url: `postgres://${USER}:${encodeURIComponent(password)}@${HOST}:${port}/${DATABASE}`, port, child };
}

/** @param {boolean} durable @returns {string[]} */
function settings(durable) {
  const values = {
    listen_addresses: HOST,
    unix_socket_directories: '',
    max_connections: 300,
    // A transaction that never ends would block every relay.
    idle_in_transaction_session_timeout: '60s',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** @param {import('./child.mjs').Child} child @param {{port: number, logFile: string, signal?: AbortSignal}} options */
async function waitUntilReady(child, { port, logFile, signal }) {
  const ready = await poll(async () => child.exit ?? (await asksForPassword({ host: HOST, port, user: USER })), {
    timeoutMs: START_TIMEOUT_MS,
    signal,
  });
  if (ready === true) return;
  const what = child.exit ? 'ended while it started' : `was not ready after ${START_TIMEOUT_MS / 1000} s`;
  throw new ExplainedError(`Postgres ${what}. Its log (${logFile}) ends with:\n${tailOf(logFile)}`);
}

/** Existing data stays with its owner, unless that is root. @param {string} dataDir */
function ownerOf(dataDir) {
  const stat = statSync(dataDir, { throwIfNoEntry: false });
  return stat && stat.uid !== 0 ? { uid: stat.uid, gid: stat.gid } : undefined;
}
