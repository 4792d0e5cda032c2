import { loadCredentials } from './credentials.mjs';
import { ExplainedError } from './explained-error.mjs';
import { takeLock } from './lock-file.mjs';
import { dataDirectory, dataFiles } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { stopLeftovers } from './recover.mjs';
import { openRunState, readRunState } from './run-state.mjs';
import { planServicePorts } from './service-ports.mjs';
import { startBroker } from './start-broker.mjs';
import { startDatabase } from './start-database.mjs';
import { startServices } from './start-services.mjs';
import { watchSources } from './watch-sources.mjs';

/**
 * @typedef {object} StartContext what every part of the start works with
 * @property {NodeJS.ProcessEnv} env
 * @property {import('./report.mjs').Report} report
 * @property {AbortSignal} signal
 * @property {(stop: () => Promise<unknown>) => void} onEnd
 * @property {ReturnType<typeof dataFiles>} files
 * @property {import('./credentials.mjs').Credentials} credentials
 * @property {ReturnType<typeof openRunState>} state
 */

/**
 * Starts everything and stays until it is asked to stop.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} base
 * @param {import('./start-options.mjs').StartOptions} options
 * @returns {Promise<number>} exit code
 */
export async function start(base, options) {
  const { env, report, signal, onEnd } = base;
  const files = dataFiles(dataDirectory(env));
  await claimDataDirectory(base, files);
  // Before anything that takes long: a taken port is said at once.
  const ports = await planServicePorts({ env, inventories: options.inventories });
  await prepare({ report, signal });
  const state = openRunState(files.runState);
  onEnd(async () => state.remove());
  const context = { env, report, signal, onEnd, files, state, credentials: loadCredentials(files.credentials) };

  const { databaseUrl } = await startDatabase(context);
  const { amqpUrl, managementUrl } = await startBroker(context);
  const plans = planProcesses(ports, options);
  const services = await startServices(context, {
    plans,
    env: { ...env, AMQP_URL: amqpUrl, DATABASE_URL: databaseUrl },
  });

  const apiUrl = `http://localhost:${ports.order}`;
  state.update({
    ready: true,
    apiUrl,
    inventoryUrls: ports.inventories.map((port) => `http://localhost:${port}`),
    amqpUrl,
    managementUrl,
    databaseUrl,
  });
  if (options.watch) watchSources({ restart: services.restart, report, signal });
  report.say(greeting({ apiUrl, managementUrl }));
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return 0;
}

/** @param {import('./run-script.mjs').ScriptContext & {report: import('./report.mjs').Report}} base @param {ReturnType<typeof dataFiles>} files */
async function claimDataDirectory({ report, onEnd }, files) {
  const lock = takeLock(files.lock);
  if (!lock.taken) {
    const apiUrl = readRunState(files.runState)?.apiUrl;
    throw new ExplainedError(
      `Warren already runs on this data directory (process ${lock.holder.pid}${apiUrl ? `, API at ${apiUrl}` : ''}).\nStop it first, or start another one beside it: DATA_DIR=.data/second ORDER_PORT=3101 INVENTORY_PORT=3102 npm start`,
    );
  }
  onEnd(async () => lock.release());
  await stopLeftovers(files.runState, report);
}

/**
 * @param {{order: number, inventories: number[]}} ports
 * @param {import('./start-options.mjs').StartOptions} options
 * @returns {import('./start-services.mjs').Plan[]}
 */
function planProcesses(ports, { orders }) {
  const inventories = ports.inventories.map((port, index) => ({
    service: /** @type {const} */ ('inventory'),
    name: index === 0 ? 'inventory' : `inventory-${index + 1}`,
    port,
    instances: 1,
  }));
  return [{ service: 'order', name: 'order', port: ports.order, instances: orders }, ...inventories];
}

/** @param {{apiUrl: string, managementUrl?: string}} urls */
function greeting({ apiUrl, managementUrl }) {
  const lines = ['', `Warren is ready. Ctrl-C stops it.`, '', `  API            ${apiUrl}`];
  if (managementUrl) {
    const { origin, username, password } = new URL(managementUrl);
    lines.push(`  Management UI  ${origin.replace('127.0.0.1', 'localhost')}   login ${username} / ${password}`);
  }
  const order = JSON.stringify({ customerId: 'customer1', items: [{ productId: 'item1', quantity: 1, price: 9.99 }] });
  lines.push(
    '',
    '  Place an order:',
    '',
    `  curl -i ${apiUrl}/orders -H 'content-type: application/json' -d '${order}'`,
    '',
  );
  return lines.join('\n');
}
