import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join, relative } from 'node:path';
import { startChild } from './child.mjs';
import { ExplainedError } from './explained-error.mjs';
import { ROOT } from './paths.mjs';
import { poll } from './poll.mjs';

/** The services, and the setting that says on which port each one listens. Those of the core run always, the others with `--all`. */
export const SERVICES = /** @type {const} */ ({
  order: { portSetting: 'ORDER_PORT', defaultPort: 3001, core: true },
  inventory: { portSetting: 'INVENTORY_PORT', defaultPort: 3002, core: true },
  user: { portSetting: 'USER_PORT', defaultPort: 3003, core: false },
  notification: { portSetting: 'NOTIFICATION_PORT', defaultPort: 3005, core: false },
  analytics: { portSetting: 'ANALYTICS_PORT', defaultPort: 3006, core: false },
  payment: { portSetting: 'PAYMENT_PORT', defaultPort: 3004, core: false },
});

/** @typedef {keyof typeof SERVICES} ServiceName */

/**
 * The services that run with or without `--all`.
 * @param {{all: boolean}} options
 */
export function servicesOf({ all }) {
  const names = /** @type {ServiceName[]} */ (Object.keys(SERVICES));
  return names.filter((name) => all || SERVICES[name].core);
}

/**
 * @typedef {object} ServiceOptions
 * @property {ServiceName} service
 * @property {number} port
 * @property {NodeJS.ProcessEnv} env its settings; the port is added
 * @property {number} [instances] more than one: several processes behind the one port, see `cluster-main.mjs`; default 1
 * @property {string} [name] for messages; default the service's name
 * @property {(line: string, stream: 'stdout' | 'stderr') => void} onLine
 */

/**
 * Starts a service as it is built, in a process of its own. It may end at once: see `waitUntilServing`.
 * @param {ServiceOptions} options
 */
export function startService({ service, port, env, instances = 1, name = service, onLine }) {
  const main = join(ROOT, 'services', service, 'dist', 'main.js');
  if (!existsSync(main)) throw new ExplainedError(`${relative(ROOT, main)} is missing. Build it: npm run build`);
  const cluster = join(ROOT, 'scripts', 'lib', 'cluster-main.mjs');
  const args = instances > 1 ? [cluster, main, String(instances)] : [main];
  const nodeArgs = ['--enable-source-maps', ...args];
  return startChild({
    name,
    command: process.execPath,
    args: nodeArgs,
    cwd: ROOT,
    env: { ...env, [SERVICES[service].portSetting]: String(port) },
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
      // 200 is `degraded` too: what it was asked would wait.
      const isReady = status === 200 && JSON.parse(body).ready === true;
      degraded = status === 200 && !isReady;
      // Each request goes to another instance of a cluster in turn.
      inARow = isReady ? inARow + 1 : 0;
      return inARow >= (instances > 1 ? 2 * instances : 1) ? 'ready' : undefined;
    },
    { timeoutMs, intervalMs: 150, signal },
  );
  return outcome === 'ready' ? { ready: true } : { ready: false, degraded, seen };
}

/** @param {number} port @returns {Promise<{status: number, body: string}>} */
export function getReadiness(port) {
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
