import { describe, expect, test } from '@jest/globals';
import { createCatalogue } from '@warren/contracts';
import { waitUntil } from '@warren/testing';
import { Placed, placed, renamed } from './shop-events.ts';
import { alertOf, linesOf, noted, PAPERS, STOCK, useWatchedShop } from './watched-shop.ts';

describe('a topology that the broker refuses', () => {
  const { vhost, watchedBus, login, grant, depth, makeExchange } = useWatchedShop();

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
    await vhost().management('DELETE', 'exchanges/notes');
    await waitUntil(() => watched.alerts.active().length === 0, { what: 'the end of the refusal' });
    const { type } = await vhost().management<{ type: string }>('GET', 'exchanges/notes');
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
    await vhost().management('DELETE', 'exchanges/shop');
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
    await vhost().management('PUT', 'queues/stock', { durable: true, arguments: { 'x-queue-type': 'classic' } });
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
    await vhost().management('PUT', `/topic-permissions/${vhost().name}/${new URL(url).username}`, topicRights);
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
    await vhost().management('PUT', 'queues/stock', { durable: true, arguments: { 'x-queue-type': 'classic' } });
    await vhost().management('PUT', 'queues/all', { durable: true, arguments: { 'x-queue-type': 'stream' } });
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
    const limit = (value: number) => vhost().management('PUT', `/vhost-limits/${vhost().name}/max-queues`, { value });
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
});
