import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { planProcesses } from '../lib/plan-processes.mjs';
import { SERVICES } from '../lib/services.mjs';

/** Every service on a free port. */
const env = Object.fromEntries(SERVICES.map(({ portSetting }) => [portSetting, '0']));
const one = { env, all: false, orders: 1, inventories: 1 };

test('when nothing more is asked for, then only the core pair runs', async () => {
  const plans = await planProcesses(one);
  expect(plans.map(({ name, instances }) => [name, instances])).toEqual([
    ['order', 1],
    ['inventory', 1],
  ]);
});

test('when all are asked for, then every service runs once, each on a port of its own', async () => {
  const plans = await planProcesses({ ...one, all: true });
  expect(plans.map(({ name }) => name)).toEqual(SERVICES.map(({ name }) => name));
  expect(new Set(plans.map(({ port }) => port)).size).toBe(plans.length);
});

test('when several instances are asked for, then orders share a port and inventories do not', async () => {
  const plans = await planProcesses({ ...one, orders: 2, inventories: 3 });
  expect(plans.map(({ name, service, instances }) => [name, service.name, instances])).toEqual([
    ['order', 'order', 2],
    ['inventory', 'inventory', 1],
    ['inventory-2', 'inventory', 1],
    ['inventory-3', 'inventory', 1],
  ]);
});

test('when a service of no concern has a wrong port, then that is said only when it runs', async () => {
  const wrong = { ...one, env: { ...env, USER_PORT: 'x' } };
  await expect(planProcesses(wrong)).resolves.toHaveLength(2);
  await expect(planProcesses({ ...wrong, all: true })).rejects.toThrow('USER_PORT must be a port, 0 to 65535, not "x"');
});

test('when another program has a port, then the advice fits any start command', async () => {
  const other = createServer().listen(0);
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    await expect(planProcesses({ ...one, env: { ...env, ORDER_PORT: String(port) } })).rejects.toThrow(
      `put another port in front of the same command: ORDER_PORT=${port + 100}`,
    );
  } finally {
    other.close();
  }
});

test('when two services have the same port, then both settings are named', async () => {
  const [plan] = await planProcesses(one);
  const same = { ...env, ORDER_PORT: String(plan?.port), USER_PORT: String(plan?.port) };
  await expect(planProcesses({ ...one, env: same, all: true })).rejects.toThrow(
    `ORDER_PORT and USER_PORT are both ${plan?.port}. Give them two different ports.`,
  );
});
