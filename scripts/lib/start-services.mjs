import { ExplainedError, startService, waitUntilServing } from '../../shared/servers/src/index.mjs';
import { describeExit, keepRunning } from './keep-running.mjs';
import { ROOT } from './paths.mjs';
import { requireFree } from './plan-processes.mjs';
import { createServiceLog } from './service-log.mjs';

/** @typedef {import('./plan-processes.mjs').Plan} Plan */
/** @typedef {import('./services.mjs').ServiceEntry} ServiceEntry */

/**
 * Starts the services, waits until all of them are ready and keeps them running.
 * @param {import('./start.mjs').StartContext} context
 * @param {{plans: Plan[], env: NodeJS.ProcessEnv}} options `env` has their settings
 * @returns {Promise<{restart: (services: ServiceEntry[]) => Promise<void>}>}
 */
export async function startServices(context, { plans, env }) {
  const { report, onEnd } = context;
  const title = `Starting ${plans.map(({ name, port }) => `${name} (${port})`).join(', ')}`;
  const started = plans.map((plan) => createServiceProcess(context, plan, env));
  /** @type {() => Promise<unknown>} */
  let stop = () => Promise.all(started.map((one) => one.stopFirst()));
  onEnd(() => report.step('Stopping the services', () => stop()));
  await report.step(title, async () => {
    await Promise.all(started.map((one) => one.startFirst()));
  });
  const kept = started.map((one) => ({ ...one, running: one.keep() }));
  stop = () =>
    Promise.all(
      kept.map(async ({ name, running }) => {
        const exit = await running.stop();
        if (exit?.code !== 0) report.warn(`${name} did not stop in good order: ${describeExit(exit)}`);
      }),
    );
  return {
    async restart(services) {
      await Promise.all(
        kept.filter(({ service }) => services.includes(service)).map(({ running }) => running.restart()),
      );
    },
  };
}

/** @param {import('./start.mjs').StartContext} context @param {Plan} plan @param {NodeJS.ProcessEnv} env */
function createServiceProcess({ report, signal, state }, { service, name, port, instances }, env) {
  const colour = process.stdout.isTTY === true;
  const log = createServiceLog({ name, write: report.say, colour });
  const { portSetting } = service;
  const options = {
    name,
    main: `services/${service.name}/dist/main.js`,
    root: ROOT,
    env: { ...env, [portSetting]: String(port) },
    instances,
    onLine: log.onLine,
  };
  const start = async () => {
    const child = await startService(options);
    state.addProcess(child);
    return { child, stop: child.stop };
  };
  /** @type {import('./keep-running.mjs').Running | undefined} */
  let first;
  return {
    service,
    name,
    async startFirst() {
      signal.throwIfAborted();
      await requireFree(port, { portSetting, owner: `the ${service.name} service` });
      first = await start();
      const { child } = first;
      const result = await waitUntilServing(child, { port, instances, signal });
      if (!result.ready && !result.degraded)
        throw new ExplainedError(explain(name, child, log.lastWords(), result.seen));
      if (!result.ready) report.warn(`${name} runs, but is degraded. Its /health/ready answers: ${result.seen}`);
      log.release();
    },
    stopFirst: async () => first?.stop(),
    keep: () =>
      keepRunning({ name, first: /** @type {import('./keep-running.mjs').Running} */ (first), start, report }),
  };
}

/** @param {string} name @param {import('../../shared/servers/src/index.mjs').Child} child @param {string} words @param {string} readiness */
function explain(name, child, words, readiness) {
  if (child.exit) return `The ${name} service did not start (${describeExit(child.exit)}). It says:\n${words}`;
  return `The ${name} service was not ready within 60 s. Its /health/ready answers: ${readiness}\n${words}`;
}
