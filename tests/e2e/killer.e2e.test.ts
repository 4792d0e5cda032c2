import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { OrderStatusUpdated } from '@shop/events/order';
import { createEvent } from '@warren/contracts';
import { DeadLetters, EventBus } from '@warren/event-bus';
import { createId } from '@warren/kernel';
import { createTestVhost, type TestVhost, waitUntil } from '@warren/testing';

const MESSAGES = 50;
const DELIVERY_LIMIT = 5;
const QUEUE = 'poisoned_order_updated';
const SERVICE = join(import.meta.dirname, 'poisoned-service.mjs');

describe('a message that kills its process', () => {
  let vhost: TestVhost;
  let bus: EventBus;
  let handled: Set<string>;
  let deadLetters: DeadLetters;
  let supervisor: ReturnType<typeof supervise> | undefined;

  beforeAll(async () => {
    vhost = await createTestVhost();
    // Lower than the queue's own, which says 20, because every death costs a start of the service.
    const limit = { pattern: `^${QUEUE}$`, definition: { 'delivery-limit': DELIVERY_LIMIT }, 'apply-to': 'queues' };
    await vhost.management('PUT', 'policies/few-deaths', limit);
    bus = new EventBus({
      url: vhost.amqpUrl,
      service: 'test',
      topology: [{ queue: QUEUE, bindings: [OrderStatusUpdated] }],
      catalogue: shopCatalogue,
    });
    await bus.connect();
    deadLetters = await DeadLetters.connect({ url: vhost.amqpUrl });
    handled = new Set();
  });
  afterEach(() => supervisor?.stop());
  afterAll(async () => {
    await Promise.all([bus?.close(), deadLetters?.close()]);
    await vhost?.close();
  });

  /** Starts the service, and starts it again whenever it dies, as every platform does. */
  function supervise(killer: string) {
    let stopped = false;
    let deaths = 0;
    let service = start();

    function start() {
      const env = { ...process.env, AMQP_URL: vhost.amqpUrl };
      const started = spawn(process.execPath, [SERVICE, QUEUE, killer], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      createInterface(started.stdout).on('line', (line) => handled.add(line));
      started.once('exit', (_, signal) => {
        if (signal === 'SIGKILL') deaths += 1;
        if (!stopped) service = start();
      });
      return started;
    }
    return {
      get deaths() {
        return deaths;
      },
      async stop() {
        stopped = true;
        if (service.exitCode !== null || service.signalCode !== null) return;
        service.kill('SIGTERM');
        await once(service, 'exit');
      },
    };
  }

  it('when it is started again and again, then that message alone becomes a dead letter, and all others are handled', async () => {
    const orders = Array.from({ length: MESSAGES }, () => createId());
    const killer = orders[MESSAGES / 2] ?? '';
    await bus.publishAll(orders.map(updated));
    supervisor = supervise(killer);
    await waitUntil(async () => (await deadLetters.count(QUEUE)) > 0, { what: 'the dead letter', timeoutMs: 300_000 });
    await waitUntil(() => handled.size === MESSAGES - 1, { what: 'the neighbours to be handled' });
    await supervisor.stop();
    const letters = await deadLetters.list(QUEUE);
    expect(letters.map(({ body, reason }) => ({ order: JSON.parse(String(body)).aggregateId, reason }))).toEqual([
      { order: killer, reason: 'delivery_limit' },
    ]);
    expect(handled).toEqual(new Set(orders.filter((order) => order !== killer)));
    expect(supervisor.deaths).toBe(DELIVERY_LIMIT + 1);
  });
});

function updated(orderId: string) {
  const data = { orderId, status: 'confirmed' as const, updatedAt: new Date().toISOString() };
  return createEvent(OrderStatusUpdated, { aggregateId: orderId, data, source: 'test' });
}
