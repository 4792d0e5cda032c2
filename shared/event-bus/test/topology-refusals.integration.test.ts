import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCatalogue, createEvent, defineEvent } from '@warren/contracts';
import { type Alerts, createAlerts, createLogger, createMetricsRegistry } from '@warren/kernel';
import { createTcpProxy, createTestVhost, type TestVhost, uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { Type } from 'typebox';
import { DeadLetters, EventBus, type EventBusOptions } from '../src/index.ts';
import { BLOCKED, UNBLOCKED } from './amqp-frames.ts';
import { Placed, placed, Renamed, renamed } from './shop-events.ts';

const Noted = defineEvent({
  type: 'Noted',
  version: 1,
  exchange: 'notes',
  routingKey: 'note.made',
  schema: Type.Object({}),
});
const noted = () => createEvent(Noted, { aggregateId: 'note-1', data: {}, source: 'shop' });
const catalogue = createCatalogue([Placed, Renamed, Noted]);
type Contract = typeof Placed | typeof Renamed | typeof Noted;

const STOCK = { queue: 'stock', bindings: [{ exchange: 'shop', routingKey: 'shop.placed' }] };
const PAPERS = { queue: 'papers', bindings: [{ exchange: 'notes', routingKey: 'note.made' }] };

interface Line {
  level: string;
  code?: string;
  subject?: string;
  msg: string;
}

describe('a topology that the broker refuses', () => {
  let vhost: TestVhost;
  /** Buses and other resources to close. */
  let opened: { close(): Promise<unknown> }[];
  let users: string[];
  beforeEach(async () => {
    vhost = await createTestVhost();
    opened = [];
    users = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((bus) => bus.close()));
    for (const user of users) await vhost.management('DELETE', `/users/${user}`);
    await vhost.close();
  });

  interface Watched {
    bus: EventBus<Contract>;
    alerts: Alerts;
    lines: Line[];
    metrics(): Promise<string>;
  }

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

  const alertOf = ({ alerts }: Watched, code: string) => alerts.active().find((alert) => alert.code === code);
  const linesOf = ({ lines }: Watched, code: string) => lines.filter((line) => line.code === code);
  const depth = async (queue: string) => (await vhost.queues()).find(({ name }) => name === queue)?.messages ?? 0;
  const makeExchange = (name: string, type: string) =>
    vhost.management('PUT', `exchanges/${name}`, { type, durable: true });

  async function login(rights: { configure: string; write: string; read: string }): Promise<string> {
    const name = uniqueName('user');
    await vhost.management('PUT', `/users/${name}`, { password: 'secret', tags: '' });
    users.push(name);
    await grant(name, rights);
    const url = new URL(vhost.amqpUrl);
    url.username = name;
    url.password = 'secret';
    return url.href;
  }

  const policy = (name: string, pattern: string, definition: Record<string, unknown>) =>
    vhost.management('PUT', `policies/${name}`, { pattern, definition, 'apply-to': 'queues' });

  const grant = (user: string, rights: { configure: string; write: string; read: string }) =>
    vhost.management('PUT', `/permissions/${vhost.name}/${user}`, rights);

  test('when an exchange for best-effort events has another type, then it is reported as a warning, the bus is up, and the rest is published', async () => {
    await makeExchange('notes', 'fanout');
    const watched = watchedBus({ topology: [STOCK] });
    const { bus } = watched;
    await bus.connect();
    await bus.publish(placed());
    expect(await bus.publishBestEffort(noted())).toEqual({
      status: 'returned',
      reason: expect.stringMatching(/^exchange notes is refused: PRECONDITION_FAILED - inequivalent arg 'type'/),
    });
    expect(bus.health()).toMatchObject({ up: true, details: { topology: { 'exchange notes': expect.any(String) } } });
    expect(watched.alerts.active()).toEqual([
      expect.objectContaining({ code: 'OPTIONAL_TOPOLOGY_REFUSED', severity: 'warning', subject: 'exchange notes' }),
    ]);
    expect(linesOf(watched, 'OPTIONAL_TOPOLOGY_REFUSED')).toHaveLength(1);
    await vhost.management('DELETE', 'exchanges/notes');
    await waitUntil(() => watched.alerts.active().length === 0, { what: 'the end of the refusal' });
    const { type } = await vhost.management<{ type: string }>('GET', 'exchanges/notes');
    expect(type).toBe('topic');
  });

  test('when an exchange that is published to has another type, then only its events wait, health says why it is down, and it recovers', async () => {
    await makeExchange('shop', 'fanout');
    const watched = watchedBus();
    const { bus } = watched;
    await expect(bus.connect()).rejects.toMatchObject({ code: 'TOPOLOGY_REFUSED' });
    await bus.publish(noted());
    await waitUntil(async () => (await depth('papers')) === 1);
    expect(await bus.tryPublish(placed())).toMatchObject({ status: 'returned' });
    expect(bus.canPublish()).toBe(true);
    const { up, reason, since } = bus.health();
    expect(up).toBe(false);
    expect(reason).toMatch(
      /^exchange shop is refused: PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'shop'/,
    );
    expect(Date.parse(String(since))).toBeLessThanOrEqual(Date.now());
    expect(alertOf(watched, 'TOPOLOGY_REFUSED')).toMatchObject({ severity: 'degraded', subject: 'exchange shop' });
    await vhost.management('DELETE', 'exchanges/shop');
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
    await bus.publish(placed());
    await waitUntil(async () => (await depth('stock')) === 1);
    expect(linesOf(watched, 'TOPOLOGY_REFUSED').map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  test('when an exchange is refused that nothing was known to need, then the first event that must not be lost makes it an alert', async () => {
    await makeExchange('notes', 'fanout');
    const watched = watchedBus({ topology: [STOCK] });
    await watched.bus.connect();
    expect(watched.bus.isHealthy()).toBe(true);
    expect(await watched.bus.tryPublish(noted())).toMatchObject({ status: 'returned' });
    expect(watched.alerts.active()).toEqual([expect.objectContaining({ code: 'TOPOLOGY_REFUSED' })]);
    expect(watched.bus.isHealthy()).toBe(false);
  });

  test('when a queue of the system has other arguments, then its events still wait in it', async () => {
    await vhost.management('PUT', 'queues/stock', { durable: true, arguments: { 'x-queue-type': 'classic' } });
    const watched = watchedBus();
    const { bus } = watched;
    await expect(bus.connect()).rejects.toMatchObject({ code: 'TOPOLOGY_REFUSED' });
    await bus.publish(placed());
    await waitUntil(async () => (await depth('stock')) === 1);
    expect(bus.isHealthy()).toBe(true);
    expect(alertOf(watched, 'TOPOLOGY_REFUSED')).toMatchObject({
      subject: 'queue stock',
      reason: expect.stringMatching(/inequivalent arg/),
    });
  });

  test('when the login may declare nothing, but everything exists, then it publishes and consumes', async () => {
    const subscribed = { queue: 'stock', bindings: [Placed], handler: async () => undefined };
    const { bus: first } = watchedBus();
    await first.connect();
    await (await first.subscribe(subscribed)).cancel();
    const url = await login({ configure: '^$', write: '.*', read: '.*' });
    const watched = watchedBus({ url });
    const seen: string[] = [];
    await watched.bus.connect();
    await watched.bus.subscribe({ ...subscribed, handler: async ({ id }) => void seen.push(id) });
    const event = placed();
    await watched.bus.publish(event);
    await waitUntil(() => seen.includes(event.id));
    expect(watched.bus.health()).toMatchObject({ up: true });
    expect(watched.alerts.active()).toEqual([]);
    expect(watched.lines.filter(({ msg }) => msg.startsWith('this login may not declare'))).toHaveLength(1);
  });

  test('when the login may declare nothing and an exchange is missing, then that one is refused, and the rest works', async () => {
    await watchedBus({ topology: [STOCK], catalogue: createCatalogue([Placed]) as never }).bus.connect();
    const url = await login({ configure: '^$', write: '.*', read: '.*' });
    const watched = watchedBus({ url, topology: [STOCK] });
    await watched.bus.connect();
    await watched.bus.publish(placed());
    expect(watched.alerts.active()).toEqual([
      expect.objectContaining({ subject: 'exchange notes', reason: expect.stringMatching(/^ACCESS_REFUSED/) }),
    ]);
  });

  test('when the login may not publish to an exchange, then only its events wait, and they resume when it may', async () => {
    const url = await login({ configure: '.*', write: '^(?!shop$).*', read: '.*' });
    const watched = watchedBus({ url });
    const { bus } = watched;
    await bus.connect();
    expect((await bus.tryPublish(placed())).status).toBe('unknown');
    await waitUntil(() => bus.canPublish());
    expect(await bus.tryPublish(placed())).toMatchObject({
      status: 'returned',
      reason: expect.stringMatching(/^exchange shop is refused: ACCESS_REFUSED - .*access to exchange 'shop'/),
    });
    await bus.publish(noted());
    expect(bus.health()).toMatchObject({ up: false, reason: expect.stringContaining('exchange shop') });
    expect(alertOf(watched, 'TOPOLOGY_REFUSED')).toMatchObject({ subject: 'exchange shop' });
    await grant(new URL(url).username, { configure: '.*', write: '.*', read: '.*' });
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
    await bus.publish(placed());
    expect(linesOf(watched, 'TOPOLOGY_REFUSED')).toHaveLength(2);
  });

  test('when the login may not publish one type of event, and nothing to another exchange, then only events of that type and that exchange wait', async () => {
    const url = await login({ configure: '.*', write: '^(?!notes$).*', read: '.*' });
    const topicRights = { exchange: 'shop', write: '^shop\\.renamed$', read: '.*' };
    await vhost.management('PUT', `/topic-permissions/${vhost.name}/${new URL(url).username}`, topicRights);
    const shop = { queue: 'stock', bindings: [{ exchange: 'shop', routingKey: '#' }] };
    const watched = watchedBus({ url, topology: [shop, PAPERS] });
    const { bus } = watched;
    await bus.connect();
    // Each refusal costs the channel, and messages in flight on it their confirm.
    const sent = async (...args: Parameters<typeof bus.tryPublish>) => {
      const outcome = await bus.tryPublish(...args);
      await waitUntil(() => bus.canPublish(), { what: 'the channel to be back' });
      return outcome;
    };
    for (const tries of [1, 2]) {
      expect(await sent(placed())).toMatchObject({ status: 'unknown', routeFault: 'refused' });
      expect(await sent(noted())).toMatchObject({ status: tries === 1 ? 'unknown' : 'returned' });
      expect(await sent(renamed('a'))).toEqual({ status: 'confirmed' });
    }
    const subjectsOf = (code: string) =>
      watched.alerts.active().flatMap((alert) => (alert.code === code ? [alert.subject] : []));
    expect(subjectsOf('TOPOLOGY_REFUSED')).toEqual(['exchange notes']);
    expect(subjectsOf('PUBLISH_REFUSED')).toContain('shop/shop.placed');
  });

  test('when a connection is made, then the topology is declared before optional queues are bound, which would hide a missing one', async () => {
    await vhost.management('PUT', 'queues/stock', { durable: true, arguments: { 'x-queue-type': 'classic' } });
    await vhost.management('PUT', 'queues/all', { durable: true, arguments: { 'x-queue-type': 'stream' } });
    const url = await login({ configure: '.*', write: '^(?!all$).*', read: '.*' });
    const all = { queue: 'all', bindings: [{ exchange: 'shop', routingKey: '#' }], stream: true as const };
    const watched = watchedBus({ url, topology: [STOCK, PAPERS, all] });
    await expect(watched.bus.connect()).rejects.toMatchObject({ code: 'TOPOLOGY_REFUSED' });
    // Oldest first.
    expect(watched.alerts.active().map(({ code, subject }) => `${code} ${subject}`)).toEqual([
      'TOPOLOGY_REFUSED queue stock',
      'BINDING_REFUSED queue all',
    ]);
  });

  test('when the virtual host has reached its queue limit, then the missing queue is reported, and the others work until it can be declared', async () => {
    const limit = (value: number) => vhost.management('PUT', `/vhost-limits/${vhost.name}/max-queues`, { value });
    const { bus: first } = watchedBus({ topology: [STOCK] });
    await first.connect();
    await limit(1);
    const watched = watchedBus({ publishes: ['shop', 'notes'] });
    await expect(watched.bus.connect()).rejects.toMatchObject({ code: 'TOPOLOGY_REFUSED' });
    await watched.bus.publish(placed());
    expect(watched.alerts.active().map(({ subject }) => subject)).toContain('queue papers');
    expect(alertOf(watched, 'TOPOLOGY_REFUSED')?.reason).toMatch(/queue limit .* is reached/);
    await limit(-1);
    await waitUntil(() => watched.alerts.active().length === 0, { what: 'the queue' });
    await watched.bus.publish(noted());
  });

  test.each<[string, (user: string) => string]>([
    ['the virtual host allows no connection', () => `/vhost-limits/${vhost.name}/max-connections`],
    ['the user is allowed no connection', (user) => `/user-limits/${user}/max-connections`],
  ])('when %s, then that is reported once, and the bus comes up by itself', async (_, pathOf) => {
    const url = await login({ configure: '.*', write: '.*', read: '.*' });
    const path = pathOf(new URL(url).username);
    await vhost.management('PUT', path, { value: 0 });
    const watched = watchedBus({ url });
    await watched.bus.connect({ wait: false });
    await waitUntil(() => (alertOf(watched, 'BROKER_REFUSED')?.count ?? 0) >= 4);
    expect(watched.bus.health()).toMatchObject({
      up: false,
      reason: expect.stringContaining('connection limit'),
    });
    await vhost.management('PUT', path, { value: -1 });
    await waitUntil(() => watched.bus.isHealthy(), { what: 'a healthy bus' });
    expect(watched.alerts.active()).toEqual([]);
    expect(watched.lines.filter(({ level }) => level === 'warn' || level === 'error')).toHaveLength(1);
    await watched.bus.publish(placed());
  });

  async function closeConnections(): Promise<void> {
    const connections = await waitUntil(async () => {
      const open = await vhost.management<{ name: string }[]>('GET', `/vhosts/${vhost.name}/connections`);
      return open.length >= 2 ? open : undefined;
    });
    for (const { name } of connections) await vhost.management('DELETE', `/connections/${encodeURIComponent(name)}`);
  }

  test.each([
    ['the password is wrong', { password: 'wrong' }, 'refuses the login of user "warren"'],
    ['there is no such virtual host', { pathname: '/nowhere' }, 'vhost nowhere not found'],
  ])('when %s, then that is reported once, with the reason, however often it is retried', async (_, change, reason) => {
    const url = Object.assign(new URL(vhost.amqpUrl), change);
    const watched = watchedBus({ url: url.href });
    await watched.bus.connect({ wait: false });
    await waitUntil(() => (alertOf(watched, 'BROKER_REFUSED')?.count ?? 0) >= 4);
    expect(watched.bus.health()).toMatchObject({ up: false, reason: expect.stringContaining(reason) });
    expect(watched.lines.filter(({ level }) => level === 'warn' || level === 'error')).toHaveLength(1);
  });

  test('when the broker blocks publishing, then alert and health say why and since when', async () => {
    const proxy = await createTcpProxy(vhost.amqpUrl);
    const watched = watchedBus({ url: proxy.through(vhost.amqpUrl) });
    await watched.bus.connect();
    const connectedAt = Date.now();
    proxy.inject(BLOCKED);
    await waitUntil(() => alertOf(watched, 'BROKER_BLOCKED'));
    const { up, reason, since } = watched.bus.health();
    expect({ up, reason }).toEqual({ up: false, reason: expect.stringContaining('low on memory') });
    expect(Date.parse(String(since))).toBeGreaterThanOrEqual(connectedAt);
    proxy.inject(UNBLOCKED);
    await waitUntil(() => watched.bus.isHealthy() && watched.alerts.active().length === 0);
    await watched.bus.close();
    await proxy.close();
  });

  test('when the login may no longer read its own queue, then that is reported once until it may again', async () => {
    const url = await login({ configure: '.*', write: '.*', read: '.*' });
    const watched = watchedBus({ url });
    const { bus } = watched;
    await bus.connect();
    const seen: string[] = [];
    await bus.subscribe({ queue: 'stock', bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
    await grant(new URL(url).username, { configure: '.*', write: '.*', read: '^(?!stock$).*' });
    await closeConnections();
    await waitUntil(() => (alertOf(watched, 'QUEUE_NOT_CONSUMED')?.count ?? 0) >= 3);
    expect(alertOf(watched, 'QUEUE_NOT_CONSUMED')).toMatchObject({ subject: 'stock', severity: 'degraded' });
    expect(bus.health()).toMatchObject({
      up: false,
      reason: expect.stringMatching(/^stock is refused: ACCESS_REFUSED/),
    });
    expect(watched.lines.filter(({ msg }) => msg.startsWith('cannot open the channel'))).toHaveLength(1);
    await grant(new URL(url).username, { configure: '.*', write: '.*', read: '.*' });
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
    const event = placed();
    await bus.publish(event);
    await waitUntil(() => seen.includes(event.id));
    expect(linesOf(watched, 'QUEUE_NOT_CONSUMED')).toHaveLength(2);
  });

  test('when an operator closes the connections, then the log has the reason, and the bus comes back', async () => {
    const watched = watchedBus();
    const { bus, lines } = watched;
    await bus.connect();
    await closeConnections();
    const lost = await waitUntil(() => lines.find(({ msg }) => msg === 'connection lost'));
    expect(lost).toMatchObject({ reason: expect.stringMatching(/connection lost: CONNECTION_FORCED/) });
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
    await bus.publish(placed());
  });

  test('when messages wait in a queue without a consumer, then queue and depth are reported until somebody consumes it', async () => {
    const watched = watchedBus({
      topologyCheckMs: 50,
      topology: [STOCK, { ...STOCK, queue: 'absent', optional: true }],
    });
    const { bus } = watched;
    await bus.connect();
    await bus.publish(placed());
    await bus.publish(placed());
    const alert = await waitUntil(() => alertOf(watched, 'QUEUE_WITHOUT_CONSUMER'));
    expect(alert).toMatchObject({
      severity: 'warning',
      subject: 'stock',
      reason: expect.stringMatching(/^[12] messages wait in stock/),
    });
    await waitUntil(async () => /warren_bus_queue_messages\{queue="stock".*\} 2/.test(await watched.metrics()));
    expect(await watched.metrics()).not.toContain('absent');
    expect(bus.isHealthy()).toBe(true);
    await bus.subscribe({ queue: 'stock', bindings: [Placed], handler: async () => undefined });
    await waitUntil(() => watched.alerts.active().length === 0, { what: 'the end of the alert' });
    expect(linesOf(watched, 'QUEUE_WITHOUT_CONSUMER')).toHaveLength(2);
  });

  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['is deleted', () => vhost.management('DELETE', 'queues/stock'), async () => undefined],
    [
      'expires by a policy',
      () => policy('forget', '^stock$', { expires: 1500 }),
      () => vhost.management('DELETE', 'policies/forget'),
    ],
  ])(
    'when a queue that is published to %s, then it is declared again, and that is reported',
    async (_, vanish, correct) => {
      const watched = watchedBus({ topologyCheckMs: 300, topology: [STOCK] });
      await watched.bus.connect();
      // A queue that takes everything hides from the publisher that this one is gone.
      await vhost.management('PUT', 'queues/audit', { durable: true, arguments: { 'x-queue-type': 'classic' } });
      await vhost.management('POST', 'bindings/e/shop/q/audit', { routing_key: '#' });
      const isReported = () => linesOf(watched, 'QUEUE_GONE').length > 0;
      // Nothing notices between a check and the declaration that follows it.
      const vanishUnlessReported = async () => {
        if (isReported()) return true;
        await vanish();
        return false;
      };
      await waitUntil(vanishUnlessReported, { intervalMs: 2000, what: 'the report' });
      await correct();
      await waitUntil(() => watched.alerts.active().length === 0, { what: 'the queue' });
      expect(linesOf(watched, 'QUEUE_GONE').map(({ level, subject }) => [level, subject])).toEqual([
        ['warn', 'stock'],
        ['info', 'stock'],
      ]);
      // The fate of a copy in flight when the queue disappeared is unknown.
      await waitUntil(async () => (await watched.bus.tryPublish(placed())).status === 'confirmed');
      await waitUntil(async () => (await depth('stock')) > 0);
    },
  );

  test('when a policy lowers the delivery limit, then a message that returns more often is a dead letter with that reason, and can be replayed', async () => {
    await policy('impatient', '^stock$', { 'delivery-limit': 1 });
    const watched = watchedBus({ topology: [STOCK] });
    const { bus } = watched;
    await bus.connect();
    const seen: string[] = [];
    const subscribed = {
      queue: 'stock',
      bindings: [Placed],
      handler: async ({ id }: { id: string }) => void seen.push(id),
    };
    await (await bus.subscribe(subscribed)).cancel();
    const event = placed();
    await bus.publish(event);
    const connection = await connect(vhost.amqpUrl);
    const letters = await DeadLetters.connect({ url: vhost.amqpUrl });
    opened.push({ close: () => connection.close() }, letters);
    for (const _ of [1, 2]) {
      // A consumer that dies with the message unsettled.
      const channel = await connection.createChannel();
      await waitUntil(() => channel.get('stock'));
      await channel.close();
    }
    await waitUntil(async () => (await letters.count('stock')) === 1, { what: 'the dead letter' });
    expect(await letters.list('stock')).toMatchObject([{ id: event.id, reason: 'delivery_limit' }]);
    expect([bus.isHealthy(), watched.alerts.active()]).toEqual([true, []]);
    await vhost.management('DELETE', 'policies/impatient');
    await letters.replay('stock');
    await bus.subscribe(subscribed);
    await waitUntil(() => seen.includes(event.id));
  });
});
