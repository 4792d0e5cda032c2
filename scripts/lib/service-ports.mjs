import { ExplainedError } from './explained-error.mjs';
import { findFreePort, isPortFree } from './ports.mjs';
import { SERVICES } from './service.mjs';

/**
 * The port of each instance. The order service has one port for all of its instances; inventory instances after the first take free ones.
 * @param {{env: NodeJS.ProcessEnv, inventories: number}} options
 * @returns {Promise<{order: number, inventories: number[]}>}
 */
export async function planServicePorts({ env, inventories }) {
  const order = await ownPort('order', env);
  const first = await ownPort('inventory', env);
  if (order === first)
    throw new ExplainedError(`ORDER_PORT and INVENTORY_PORT are both ${order}. Give them two different ports.`);
  const further = await Promise.all(Array.from({ length: inventories - 1 }, () => findFreePort()));
  return { order, inventories: [first, ...further] };
}

/** @param {import('./service.mjs').ServiceName} service @param {NodeJS.ProcessEnv} env */
async function ownPort(service, env) {
  const { portSetting, defaultPort } = SERVICES[service];
  const text = env[portSetting]?.trim() || String(defaultPort);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ExplainedError(`${portSetting} must be a port, 0 to 65535, not "${text}".`);
  if (port === 0) return findFreePort();
  if (await isPortFree(port)) return port;
  throw new ExplainedError(
    `Port ${port} for the ${service} service is taken by another program.\nStop that program, or choose another port: ${portSetting}=${port + 100} npm start`,
  );
}
