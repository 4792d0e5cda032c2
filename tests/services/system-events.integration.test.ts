import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorOccurred, type EventOf, HealthChanged, ServiceStarted, ServiceStopping } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { loadSettings, type Service, silentLogger } from '@warren/kernel';
import { createTestDatabase, createTestVhost, type TestDatabase, waitUntil } from '@warren/testing';
import { composeAnalytics } from '../../services/analytics/src/compose.ts';
import { analyticsSettings } from '../../services/analytics/src/config.ts';
import { composeInventory } from '../../services/inventory/src/compose.ts';
import { inventorySettings } from '../../services/inventory/src/config.ts';
import { composeOrder } from '../../services/order/src/compose.ts';
import { orderSettings } from '../../services/order/src/config.ts';
import { composeUser } from '../../services/user/src/compose.ts';
import { userSettings } from '../../services/user/src/config.ts';

type Env = Record<string, string>;

const SERVICES: Record<string, (env: Env) => Service> = {
  order: (env) => composeOrder(loadSettings(orderSettings, { ...env, ORDER_PORT: '0' }), silentLogger),
  inventory: (env) => composeInventory(loadSettings(inventorySettings, { ...env, INVENTORY_PORT: '0' }), silentLogger),
  user: (env) => composeUser(loadSettings(userSettings, { ...env, USER_PORT: '0' }), silentLogger),
  analytics: (env) => composeAnalytics(loadSettings(analyticsSettings, { ...env, ANALYTICS_PORT: '0' }), silentLogger),
};
const CONTRACTS = [ServiceStarted, HealthChanged, ErrorOccurred, ServiceStopping];

let database: TestDatabase;
let listener: EventBus;
let seen: EventOf<(typeof CONTRACTS)[number]>[];
let env: Env;
beforeEach(async () => {
  const [vhost, created] = await Promise.all([createTestVhost(), createTestDatabase()]);
  database = created;
  env = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
  seen = [];
  listener = new EventBus({ url: vhost.amqpUrl, service: 'test' });
  await listener.connect();
  const handler = async (event: (typeof seen)[number]) => void seen.push(event);
  await listener.subscribe({ queue: 'test_system', bindings: CONTRACTS, handler });
});
afterEach(async () => {
  await listener.close();
  await database.drop();
});

describe('each service', () => {
  it.each(Object.keys(SERVICES))('when %s starts, fails at something and stops, then it says so', async (service) => {
    const { lifecycle, logger } = (SERVICES[service] as (env: Env) => Service)(env);
    await lifecycle.start();
    try {
      await waitUntil(() => seen.some(({ data }) => 'ready' in data && data.ready), { what: 'a ready service' });
      logger.error({ code: 'ODD' }, 'made to fail');
      await waitUntil(() => seen.some(({ data }) => 'code' in data && data.code === 'ODD'), { what: 'its error' });
    } finally {
      await lifecycle.stop();
    }
    await waitUntil(() => seen.at(-1)?.type === 'ServiceStopping', { what: 'its end' });
    expect(seen[0]?.type).toBe('ServiceStarted');
    expect(new Set(seen.map(({ metadata }) => metadata.source))).toEqual(new Set([service]));
  });
});
