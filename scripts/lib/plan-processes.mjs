import { ExplainedError, findFreePort, isFreeEverywhere } from '../../shared/servers/src/index.mjs';
import { servicesOf } from './services.mjs';

/**
 * @typedef {object} Plan one process of a service (or one cluster of them behind one port)
 * @property {import('./services.mjs').ServiceEntry} service
 * @property {string} name
 * @property {number} port
 * @property {number} instances
 */

/**
 * The processes of a run, in the order of `SERVICES`. The order service has one port for all of its instances; inventory instances after
 * the first use free ports; every other service has one instance.
 * @param {{env: NodeJS.ProcessEnv, all: boolean, orders: number, inventories: number}} options
 * @returns {Promise<Plan[]>}
 */
export async function planProcesses({ env, all, orders, inventories }) {
  /** @type {Plan[]} */
  const plans = [];
  for (const service of servicesOf({ all })) {
    const { name } = service;
    const port = await choosePort({ ...service, owner: `the ${name} service` }, env);
    plans.push({ service, name, port, instances: name === 'order' ? orders : 1 });
  }
  requireDifferentPorts(plans);
  const inventory = plans.find(({ name }) => name === 'inventory');
  if (!inventory) return plans;
  const further = await Promise.all(Array.from({ length: inventories - 1 }, () => findFreePort()));
  return [...plans, ...further.map((port, index) => ({ ...inventory, name: `inventory-${index + 2}`, port }))];
}

/** @param {Plan[]} plans */
function requireDifferentPorts(plans) {
  for (const [index, { service, port }] of plans.entries()) {
    const same = plans.slice(0, index).find((other) => other.port === port);
    if (!same) continue;
    const [one, other] = [same.service.portSetting, service.portSetting];
    throw new ExplainedError(`${one} and ${other} are both ${port}. Give them two different ports.`);
  }
}

/**
 * Returns the port in a setting if it is free.
 * @param {{portSetting: string, defaultPort: number, owner: string}} wanted `owner`: who will listen there, for messages
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
export async function choosePort({ portSetting, defaultPort, owner }, env) {
  const text = env[portSetting]?.trim() || String(defaultPort);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ExplainedError(`${portSetting} must be a port, 0 to 65535, not "${text}".`);
  if (port === 0) return findFreePort();
  await requireFree(port, { portSetting, owner });
  return port;
}

/**
 * Called again right before something is started on the port: another program may have taken it meanwhile, and would answer in its place.
 * @param {number} port
 * @param {{portSetting: string, owner: string}} wanted
 */
export async function requireFree(port, { portSetting, owner }) {
  if (await isFreeEverywhere(port)) return;
  throw new ExplainedError(
    `Port ${port} for ${owner} is taken by another program.\nStop that program, or put another port in front of the same command: ${portSetting}=${port + 100}`,
  );
}
