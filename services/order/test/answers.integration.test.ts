import { describe, expect, test } from '@jest/globals';
import {
  createEvent,
  deadLetterQueue,
  InventoryReserved,
  InventoryUnavailable,
  OrderStatusUpdated,
  QUEUES,
} from '@warren/contracts';
import { createId } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import { useTwoOrders, waitUntilEnded } from './order-fixture.ts';

const pair = useTwoOrders();
const { first } = pair;

const items = [{ productId: 'item1', quantity: 101 }];

async function newOrder(correlationId = createId()): Promise<string> {
  const { body } = await first().post({ customerId: 'c', items }, { 'X-Correlation-Id': correlationId });
  return body.id;
}

const reserved = (orderId: string, correlationId?: string) =>
  createEvent(InventoryReserved, {
    aggregateId: orderId,
    source: 'inventory',
    correlationId,
    data: { orderId, reservations: items },
  });

const unavailable = (orderId: string) =>
  createEvent(InventoryUnavailable, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, items, shortages: [{ productId: 'item1', requested: 101, available: 100 }] },
  });

type HistoryEntry = { type: string; id: string; metadata: object; data: object };

async function historyOf(orderId: string): Promise<HistoryEntry[]> {
  return (await first().api.get(`/orders/${orderId}/events`)).body;
}

/** Sum of a counter over both instances. */
async function total(counter: string): Promise<number> {
  const texts = await Promise.all(pair.instances.map(async ({ api }) => (await api.get('/metrics')).text));
  const values = texts.flatMap((text) => [...text.matchAll(new RegExp(`^${counter}\\{.*\\} (\\d+)$`, 'gm'))]);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** What rests in a queue's dead letters. Taken out and put back, because the broker's own counts are seconds old. */
async function deadLetters(queue: string): Promise<string[]> {
  const found = await pair.fixture.vhost.management<{ payload: string }[]>(
    'POST',
    `queues/${deadLetterQueue(queue)}/get`,
    {
      count: 100,
      ackmode: 'ack_requeue_true',
      encoding: 'base64',
    },
  );
  return found.map(({ payload }) => Buffer.from(payload, 'base64').toString());
}

describe('the answer of the inventory service', () => {
  test('when the stock is reserved, then the order is confirmed, with cause and correlation carried on', async () => {
    const seen: { id: string; data: object; metadata: object }[] = [];
    const subscription = await pair.fixture.inventory.subscribe({
      queue: uniqueName('updates'),
      bindings: [OrderStatusUpdated],
      handler: async ({ id, data, metadata }) => void seen.push({ id, data, metadata }),
    });
    const orderId = await newOrder('correlation-1');
    const answer = reserved(orderId, 'correlation-1');
    await pair.fixture.inventory.publish(answer);

    const order = await waitUntilEnded(first(), orderId);
    expect(order).toMatchObject({ status: 'confirmed', version: 2 });
    expect(order).not.toHaveProperty('reason');
    const [, confirmed] = await historyOf(orderId);
    expect(confirmed).toMatchObject({
      type: 'OrderConfirmed',
      metadata: { correlationId: 'correlation-1', causationId: answer.id, source: 'order' },
    });
    const update = await waitUntil(() => seen[0]);
    expect(update).toEqual({
      id: confirmed?.id,
      metadata: confirmed?.metadata,
      data: { orderId, status: 'confirmed', updatedAt: order.updatedAt },
    });
    await subscription.cancel();
  });

  test('when the stock does not suffice, then the order is cancelled with the shortage as its reason', async () => {
    const orderId = await newOrder();
    await pair.fixture.inventory.publish(unavailable(orderId));
    const order = await waitUntilEnded(first(), orderId);
    const reason = 'insufficient stock: item1 (requested 101, available 100)';
    expect(order).toMatchObject({ status: 'cancelled', reason, version: 2 });
    expect((await historyOf(orderId))[1]).toMatchObject({
      type: 'OrderCancelled',
      data: { reason, shortages: [{ productId: 'item1', requested: 101, available: 100 }] },
    });
  });

  test('when the same message comes ten times to two instances, then there is one event', async () => {
    const orderId = await newOrder();
    const answer = reserved(orderId);
    const before = await total('warren_store_inbox_total');
    await Promise.all(Array.from({ length: 10 }, () => pair.fixture.inventory.publish(answer)));
    await waitUntil(async () => (await total('warren_store_inbox_total')) >= before + 10);
    await waitUntilEnded(first(), orderId);
    expect((await historyOf(orderId)).map((event) => event.type)).toEqual(['OrderCreated', 'OrderConfirmed']);
  });

  test('when different answers to one order race, then the first wins and the others change nothing', async () => {
    const orderIds = await Promise.all(Array.from({ length: 20 }, () => newOrder()));
    const answers = orderIds.flatMap((orderId) => [reserved(orderId), unavailable(orderId), reserved(orderId)]);
    const before = await total('warren_decisions_total');
    await pair.fixture.inventory.publishAll(answers);
    await waitUntil(async () => (await total('warren_decisions_total')) >= before + answers.length);
    for (const orderId of orderIds) {
      expect((await first().api.get(`/orders/${orderId}`)).body.version).toBe(2);
      expect(await historyOf(orderId)).toHaveLength(2);
    }
  });

  test('when hundreds of orders are answered at once, then each ends as it should', async () => {
    const orderIds = await Promise.all(Array.from({ length: 300 }, () => newOrder()));
    await pair.fixture.inventory.publishAll(
      orderIds.map((orderId, at) => (at % 3 ? reserved(orderId) : unavailable(orderId))),
    );
    const ends = await Promise.all(orderIds.map((orderId) => waitUntilEnded(first(), orderId)));
    expect(ends.map((order) => order.status)).toEqual(orderIds.map((_, at) => (at % 3 ? 'confirmed' : 'cancelled')));
  });
});

describe('a message that cannot be handled', () => {
  test('when the order is not known, then it ends in the dead letters and those beside it are handled', async () => {
    const orderId = await newOrder();
    const strays = [reserved(createId()), reserved('not a uuid')];
    await pair.fixture.inventory.publishAll([...strays, reserved(orderId)]);
    expect(await waitUntilEnded(first(), orderId)).toMatchObject({ status: 'confirmed' });
    const letters = await waitUntil(async () => {
      const found = await deadLetters(QUEUES.orderInventoryReserved);
      return found.length >= 2 ? found : undefined;
    });
    expect(letters.map((letter) => JSON.parse(letter).id).toSorted()).toEqual(strays.map(({ id }) => id).toSorted());
  });

  test.each([
    ['no JSON', 'not JSON at all \u0000'],
    ['no envelope', '{"hello":"world"}'],
    ['wrong data', JSON.stringify({ ...reserved('x'), data: { orderId: 5 } })],
    ['an unknown version', JSON.stringify({ ...reserved('x'), version: 99 })],
    ['U+0000 in its correlation id', withCorrelation('a\u0000b')],
    ['half a surrogate pair in its correlation id', withCorrelation('a\ud83d')],
    ['an unknown type', JSON.stringify({ ...reserved('x'), type: 'StockStolen' })],
  ])('when it is %s, then it lands in the dead letters byte for byte and the next is handled', async (_, body) => {
    const queue = QUEUES.orderInventoryUnavailable;
    await publishRaw(queue, body);
    const orderId = await newOrder();
    await pair.fixture.inventory.publish(unavailable(orderId));
    expect(await waitUntilEnded(first(), orderId)).toMatchObject({ status: 'cancelled' });
    await waitUntil(async () => (await deadLetters(queue)).includes(body));
  });

  function withCorrelation(correlationId: string): string {
    const event = unavailable('x');
    return JSON.stringify({ ...event, metadata: { ...event.metadata, correlationId } });
  }

  async function publishRaw(queue: string, payload: string): Promise<void> {
    await pair.fixture.vhost.management('POST', 'exchanges/amq.default/publish', {
      properties: { message_id: createId(), content_type: 'application/json' },
      routing_key: queue,
      payload: Buffer.from(payload).toString('base64'),
      payload_encoding: 'base64',
    });
  }
});
