import { describe, expect, test } from '@jest/globals';
import { createTcpProxy, waitUntil } from '@warren/testing';
import { BLOCKED, UNBLOCKED } from './amqp-frames.ts';
import { Placed, placed } from './shop-events.ts';
import { alertOf, linesOf, useWatchedShop } from './watched-shop.ts';

describe('a connection that the broker refuses, blocks or closes', () => {
  const { vhost, watchedBus, login, grant, closeConnections } = useWatchedShop();

  test.each<[string, (user: string) => string]>([
    ['the virtual host allows no connection', () => `/vhost-limits/${vhost().name}/max-connections`],
    ['the user is allowed no connection', (user) => `/user-limits/${user}/max-connections`],
  ])('when %s, then that is reported once, and the bus comes up by itself', async (_, pathOf) => {
    const url = await login({ configure: '.*', write: '.*', read: '.*' });
    const path = pathOf(new URL(url).username);
    await vhost().management('PUT', path, { value: 0 });
    const watched = watchedBus({ url });
    await watched.bus.connect({ wait: false });
    await waitUntil(() => (alertOf(watched, 'BROKER_REFUSED')?.count ?? 0) >= 4);
    expect(watched.bus.health()).toMatchObject({
      up: false,
      reason: expect.stringContaining('connection limit'),
    });
    await vhost().management('PUT', path, { value: -1 });
    await waitUntil(() => watched.bus.isHealthy(), { what: 'a healthy bus' });
    expect(watched.alerts.active()).toEqual([]);
    expect(watched.lines.filter(({ level }) => level === 'warn' || level === 'error')).toHaveLength(1);
    await watched.bus.publish(placed());
  });

  test.each([
    ['the password is wrong', { password: 'wrong' }, 'refuses the login of user "warren"'],
    ['there is no such virtual host', { pathname: '/nowhere' }, 'vhost nowhere not found'],
  ])('when %s, then that is reported once, with the reason, however often it is retried', async (_, change, reason) => {
    const url = Object.assign(new URL(vhost().amqpUrl), change);
    const watched = watchedBus({ url: url.href });
    await watched.bus.connect({ wait: false });
    await waitUntil(() => (alertOf(watched, 'BROKER_REFUSED')?.count ?? 0) >= 4);
    expect(watched.bus.health()).toMatchObject({ up: false, reason: expect.stringContaining(reason) });
    expect(watched.lines.filter(({ level }) => level === 'warn' || level === 'error')).toHaveLength(1);
  });

  test('when the broker blocks publishing, then alert and health say why and since when', async () => {
    const proxy = await createTcpProxy(vhost().amqpUrl);
    const watched = watchedBus({ url: proxy.through(vhost().amqpUrl) });
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
});
