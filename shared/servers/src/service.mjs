import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.mjs';
import { ExplainedError } from './explained-error.mjs';
import { poll } from './poll.mjs';

const CLUSTER_MAIN = fileURLToPath(new URL('./cluster-main.mjs', import.meta.url));

/**
 * @typedef {object} ServiceOptions
 * @property {string} name for messages
 * @property {string} main its main file, e.g. `services/order/dist/main.js`, relative to `root`
 * @property {string} root the checkout, which is its working directory
 * @property {NodeJS.ProcessEnv} env its whole environment, its port included
 * @property {number} [instances] more than one: several processes behind the one port, see `cluster-main.mjs`; default 1
 * @property {(line: string, stream: 'stdout' | 'stderr') => void} onLine receives its output line by line
 */

/**
 * Starts a built service in a separate process. The process may end at once: see `waitUntilServing`. When stopped, it may take 10 s longer than
 * its `SHUTDOWN_DELAY_MS` and `DRAIN_TIMEOUT_MS` (default 10000).
 * @param {ServiceOptions} options
 * @returns {Promise<import('./child.mjs').Child>}
 * @throws `ExplainedError` when it is not built
 */
export async function startService({ name, main, root, env, instances = 1, onLine }) {
  const file = resolve(root, main);
  if (!existsSync(file)) throw new ExplainedError(`${main} is missing. Build it: npm run build`);
  const args = instances > 1 ? [CLUSTER_MAIN, file, String(instances)] : [file];
  return startChild({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', ...args],
    cwd: root,
    env,
    onLine,
    stopTimeoutMs: (Number(env.SHUTDOWN_DELAY_MS) || 0) + (Number(env.DRAIN_TIMEOUT_MS) || 10_000) + 10_000,
  });
}

/**
 * Waits until a service is ready, or has ended.
 * @param {import('./child.mjs').Child} child
 * @param {{port: number, timeoutMs?: number, instances?: number, signal?: AbortSignal}} options `timeoutMs` default 60000
 * @returns {Promise<{ready: true} | {ready: false, degraded: boolean, seen: string}>} `seen` is what it last answered
 */
export async function waitUntilServing(child, { port, timeoutMs = 60_000, instances = 1, signal }) {
  let seen = 'no answer';
  let degraded = false;
  let inARow = 0;
  const outcome = await poll(
    async () => {
      if (child.exit) {
        degraded = false;
        return 'ended';
      }
      const { status, body } = await getReadiness(port);
      seen = body;
      // A degraded service also answers 200, but its requests would wait.
      const isReady = status === 200 && JSON.parse(body).ready === true;
      degraded = status === 200 && !isReady;
      // Each request goes to the next instance of a cluster.
      inARow = isReady ? inARow + 1 : 0;
      return inARow >= (instances > 1 ? 2 * instances : 1) ? 'ready' : undefined;
    },
    { timeoutMs, intervalMs: 150, signal },
  );
  return outcome === 'ready' ? { ready: true } : { ready: false, degraded, seen };
}

/** @param {number} port @returns {Promise<{status: number, body: string}>} */
function getReadiness(port) {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/health/ready', agent: false, timeout: 5_000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.once('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.once('error', reject);
  });
}
