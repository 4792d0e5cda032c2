import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createAlerts } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed, Renamed, renamed } from './shop-events.ts';

describe('what the broker refuses', () => {
  let harness: RabbitHarness;
  beforeAll(async () => {
    harness = await createRabbitHarness();
  });
  let used: string[] = [];
  afterEach(async () => {
    await harness.closeBuses();
    for (const queue of used) await harness.retire(queue);
    used = [];
  });
  afterAll(() => harness.close());

  const queueFor = () => {
    const queue = uniqueName('shop');
    used.push(queue);
    return { queue, topology: [{ queue, bindings: [Placed, Renamed] }] };
  };
  const watched = () => {
    const alerts = createAlerts();
    return { alerts, codes: () => alerts.active().map(({ code, subject }) => `${code} ${subject}`) };
  };

  test('when a topic is not writable, then that one is reported, and other messages in flight are published', async () => {
    const { queue, topology } = queueFor();
    const login = { user: uniqueName('clerk'), password: 'secret' };
    const vhost = decodeURIComponent(new URL(harness.amqpUrl).pathname.slice(1));
    await harness.management('PUT', `/users/${login.user}`, { password: login.password, tags: '' });
    const all = { configure: '.*', write: '.*', read: '.*' };
    await harness.management('PUT', `/permissions/${vhost}/${login.user}`, all);
    const topics = { exchange: 'shop', write: '^shop\\.renamed$', read: '.*' };
    await harness.management('PUT', `/topic-permissions/${vhost}/${login.user}`, topics);
    const url = new URL(harness.amqpUrl);
    url.username = login.user;
    url.password = login.password;
    const { alerts, codes } = watched();
    const bus = harness.bus({ url: url.href, topology, alerts });
    await bus.connect();

    const outcomes = await bus.publishAll([renamed('a'), placed(), renamed('b')]);
    expect(outcomes[1]).toMatchObject({ status: 'unknown', routeFault: 'refused' });
    for (const index of [0, 2]) expect(outcomes[index]).not.toHaveProperty('routeFault');
    expect(codes()).toEqual(['PUBLISH_REFUSED shop/shop.placed']);
    await waitUntil(() => bus.canPublish(), { what: 'the channel to be back' });
    await bus.publish(renamed('c'));
    expect(await harness.count(queue)).toBeGreaterThanOrEqual(1);
    await bus.close();
    await harness.management('DELETE', `/users/${login.user}`);
  });

  test('when a queue is full, then that is reported until it accepts messages again', async () => {
    const { queue, topology } = queueFor();
    const full = { pattern: `^${queue}$`, definition: { 'max-length': 1 }, 'apply-to': 'queues' };
    await harness.management('PUT', 'policies/full', full);
    const { alerts, codes } = watched();
    const bus = harness.bus({ topology, alerts });
    await bus.connect();
    await waitUntil(async () => (await bus.tryPublish(placed())).status === 'nacked');
    expect(codes()).toEqual(['PUBLISH_REFUSED shop/shop.placed']);
    // If the limit were removed altogether, the queue would keep refusing this channel.
    await harness.management('PUT', 'policies/full', { ...full, definition: { 'max-length': 1000 } });
    await waitUntil(async () => (await bus.tryPublish(placed())).status === 'confirmed', { intervalMs: 50 });
    await waitUntil(() => codes().length === 0, { what: 'the alert to end' });
  });

  test('when no queue is bound though one should be, then that is reported', async () => {
    const { queue, topology } = queueFor();
    const { alerts } = watched();
    const bus = harness.bus({ topology, alerts });
    await bus.connect();
    await harness.retire(queue);
    expect(await bus.tryPublish(placed())).toEqual({ status: 'confirmed' });
    // The topology is declared again before the second attempt, and the failure is still reported.
    expect(alerts.active()).toMatchObject([{ code: 'EVENT_UNROUTABLE', subject: 'shop/shop.placed' }]);
  });

  test('when the dead letters accept nothing, then a failed message waits, and that is reported once', async () => {
    const { queue } = queueFor();
    const { alerts, codes } = watched();
    const bus = harness.bus({ alerts });
    await bus.connect();
    const dead = `${queue}.dlq`;
    const handler = async () => {
      throw new Error('always');
    };
    await bus.subscribe({ queue, bindings: [Placed], handler, retry: { maxAttempts: 1 } });
    const full = {
      pattern: `^${queue}.dlq$`,
      definition: { 'max-length': 1, overflow: 'reject-publish' },
      'apply-to': 'queues',
    };
    await harness.management('PUT', 'policies/full', full);
    await waitUntil(
      async () => {
        await bus.publish(placed());
        return codes().length > 0;
      },
      { intervalMs: 100, what: 'the refusal of a dead letter' },
    );
    expect(codes()).toEqual([`PUBLISH_REFUSED dead-letters/${queue}`]);
    const wide = { ...full, definition: { 'max-length': 1000, overflow: 'reject-publish' } };
    await harness.management('PUT', 'policies/full', wide);
    await waitUntil(() => codes().length === 0, { what: 'the alert to end' });
    await waitUntil(async () => (await harness.count(queue)) === 0, { what: 'the queue to be empty' });
    expect(await harness.count(dead)).toBeGreaterThanOrEqual(2);
  });
});
