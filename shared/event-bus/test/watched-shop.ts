import { afterEach, beforeEach } from '@jest/globals';
import { createCatalogue, createEvent, defineEvent } from '@warren/contracts';
import { type Alerts, createAlerts, createLogger, createMetricsRegistry } from '@warren/kernel';
import { createTestVhost, type TestVhost, uniqueName, waitUntil } from '@warren/testing';
import { Type } from 'typebox';
import { EventBus, type EventBusOptions } from '../src/index.ts';
import { Placed, Renamed } from './shop-events.ts';

const Noted = defineEvent({
  type: 'Noted',
  version: 1,
  exchange: 'notes',
  routingKey: 'note.made',
  schema: Type.Object({}),
});
const catalogue = createCatalogue([Placed, Renamed, Noted]);
type Contract = typeof Placed | typeof Renamed | typeof Noted;

export const noted = () => createEvent(Noted, { aggregateId: 'note-1', data: {}, source: 'shop' });
export const STOCK = { queue: 'stock', bindings: [{ exchange: 'shop', routingKey: 'shop.placed' }] };
export const PAPERS = { queue: 'papers', bindings: [{ exchange: 'notes', routingKey: 'note.made' }] };

interface Line {
  level: string;
  code?: string;
  subject?: string;
  msg: string;
}

/** A bus, and what it has reported so far. */
export interface Watched {
  bus: EventBus<Contract>;
  alerts: Alerts;
  lines: Line[];
  metrics(): Promise<string>;
}

interface Rights {
  configure: string;
  write: string;
  read: string;
}

export const alertOf = ({ alerts }: Watched, code: string) => alerts.active().find((alert) => alert.code === code);
export const linesOf = ({ lines }: Watched, code: string) => lines.filter((line) => line.code === code);

/** Provides each test of the calling suite with its own virtual host to reconfigure, and with watched buses on it. */
export function useWatchedShop() {
  let vhost: TestVhost;
  let opened: { close(): Promise<unknown> }[];
  let users: string[];
  beforeEach(async () => {
    vhost = await createTestVhost();
    opened = [];
    users = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((one) => one.close()));
    for (const user of users) await vhost.management('DELETE', `/users/${user}`);
    await vhost.close();
  });

  function watchedBus(options: Partial<EventBusOptions<Contract>> = {}): Watched {
    const lines: Line[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const logger = createLogger({ service: 'shop', level: 'info', destination });
    const alerts = createAlerts({ logger });
    const metrics = createMetricsRegistry('shop', { collectDefaults: false });
    const common = { url: vhost.amqpUrl, service: 'shop', catalogue, topology: [STOCK, PAPERS], publishes: ['shop'] };
    const bus = new EventBus<Contract>({ ...common, logger, alerts, metrics, ...options });
    opened.push(bus);
    return { bus, alerts, lines, metrics: () => metrics.metrics() };
  }

  const grant = (user: string, rights: Rights) => vhost.management('PUT', `/permissions/${vhost.name}/${user}`, rights);

  /** Creates a user with these rights; returns the URL with its login. */
  async function login(rights: Rights): Promise<string> {
    const name = uniqueName('user');
    await vhost.management('PUT', `/users/${name}`, { password: 'secret', tags: '' });
    users.push(name);
    await grant(name, rights);
    const url = new URL(vhost.amqpUrl);
    url.username = name;
    url.password = 'secret';
    return url.href;
  }

  async function closeConnections(): Promise<void> {
    const connections = await waitUntil(async () => {
      const open = await vhost.management<{ name: string }[]>('GET', `/vhosts/${vhost.name}/connections`);
      return open.length >= 2 ? open : undefined;
    });
    for (const { name } of connections) await vhost.management('DELETE', `/connections/${encodeURIComponent(name)}`);
  }

  return {
    vhost: () => vhost,
    watchedBus,
    login,
    grant,
    closeConnections,
    closeLater: (...more: typeof opened) => void opened.push(...more),
    depth: async (queue: string) => (await vhost.queues()).find(({ name }) => name === queue)?.messages ?? 0,
    makeExchange: (name: string, type: string) => vhost.management('PUT', `exchanges/${name}`, { type, durable: true }),
    policy: (name: string, pattern: string, definition: Record<string, unknown>) =>
      vhost.management('PUT', `policies/${name}`, { pattern, definition, 'apply-to': 'queues' }),
  };
}
