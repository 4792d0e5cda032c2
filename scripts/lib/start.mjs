import { ExplainedError, loadCredentials } from '../../shared/servers/src/index.mjs';
import { takeLock } from './lock-file.mjs';
import { dataDirectory, dataFiles } from './paths.mjs';
import { planProcesses } from './plan-processes.mjs';
import { prepare } from './prepare.mjs';
import { openRunState, readRunState, stopLeftovers } from './run-state.mjs';
import { servicesOf } from './services.mjs';
import { planMailCatcher, startMailCatcher } from './start-mail-catcher.mjs';
import { startBroker, startDatabase } from './start-servers.mjs';
import { startServices } from './start-services.mjs';
import { watchSources } from './watch-sources.mjs';

/**
 * @typedef {object} StartContext the context of every part of the start
 * @property {NodeJS.ProcessEnv} env
 * @property {import('./report.mjs').Report} report
 * @property {AbortSignal} signal
 * @property {(stop: () => Promise<unknown>) => void} onEnd
 * @property {ReturnType<typeof dataFiles>} files
 * @property {import('../../shared/servers/src/index.mjs').Credentials} credentials
 * @property {ReturnType<typeof openRunState>} state
 */

/**
 * Starts everything and runs until it is stopped.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} base
 * @param {import('./start-options.mjs').StartOptions} options
 * @returns {Promise<number>} exit code
 */
export async function start(base, options) {
  const { env, report, signal, onEnd } = base;
  const files = dataFiles(dataDirectory(env));
  await claimDataDirectory(base, files, options);
  // Before any slow step, so that a taken port is reported at once.
  const plans = await planProcesses({ env, ...options });
  const mailCatcher = await planMailCatcher({ env, ...options });
  await prepare({ report, signal });
  const state = openRunState(files.runState);
  onEnd(async () => state.remove());
  const context = { env, report, signal, onEnd, files, state, credentials: loadCredentials(files.credentials) };

  const { databaseUrl } = await startDatabase(context);
  const { amqpUrl, managementUrl } = await startBroker(context);
  const mails = mailCatcher && (await startMailCatcher(context, mailCatcher));
  const services = await startServices(context, {
    plans,
    env: {
      // If the payment service runs, orders are to be paid.
      ...(options.all && { PAYMENTS: 'on' }),
      ...env,
      AMQP_URL: amqpUrl,
      DATABASE_URL: databaseUrl,
      ...(mails && { SMTP_URL: mails.smtpUrl }),
    },
  });

  const urlsOf = (/** @type {string} */ name) =>
    plans.filter(({ service }) => service.name === name).map(({ port }) => `http://localhost:${port}`);
  const [apiUrl = ''] = urlsOf('order');
  const apis = plans.flatMap(({ service: { name, api } }) => (api ? [[name, urlsOf(name)[0]]] : []));
  state.update({
    ready: true,
    apiUrl,
    inventoryUrls: urlsOf('inventory'),
    urls: Object.fromEntries(apis),
    mailsUrl: mails?.pageUrl,
    amqpUrl,
    managementUrl,
    databaseUrl,
  });
  if (options.watch) watchSources({ restart: services.restart, report, signal });
  report.say(greeting({ apiUrl, managementUrl, mailsUrl: mails?.pageUrl, plans }));
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return 0;
}

/**
 * @param {import('./run-script.mjs').ScriptContext & {report: import('./report.mjs').Report}} base
 * @param {ReturnType<typeof dataFiles>} files
 * @param {{all: boolean}} options
 */
async function claimDataDirectory({ report, onEnd }, files, { all }) {
  const lock = takeLock(files.lock);
  if (!lock.taken) {
    const apiUrl = readRunState(files.runState)?.apiUrl;
    const ports = servicesOf({ all }).map(({ portSetting, defaultPort }) => `${portSetting}=${defaultPort + 100}`);
    throw new ExplainedError(
      `Warren already runs on this data directory (process ${lock.holder.pid}${apiUrl ? `, API at ${apiUrl}` : ''}).\nStop it first, or start another one beside it: DATA_DIR=.data/second ${ports.join(' ')} npm start${all ? ' -- --all' : ''}`,
    );
  }
  onEnd(async () => lock.release());
  await stopLeftovers(files.runState, report);
}

/** @param {{apiUrl: string, managementUrl?: string, mailsUrl?: string, plans: import('./plan-processes.mjs').Plan[]}} run */
function greeting({ apiUrl, managementUrl, mailsUrl, plans }) {
  const lines = ['', `Warren is ready. Ctrl-C stops it.`, '', `  API            ${apiUrl}`];
  for (const { service, name, port } of plans)
    if (!service.core) lines.push(`  ${name.padEnd(13)}  http://localhost:${port}`);
  if (mailsUrl) lines.push(`  Mails          ${mailsUrl}`);
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
