import { get, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { createEvent } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { type RunningOrder, useTwoOrders, waitUntilEnded } from './order-fixture.ts';

const pair = useTwoOrders();

const instance = (at: number): RunningOrder => pair.instances[at] as RunningOrder;
const body = { customerId: 'c', items: [{ productId: 'item1', quantity: 1 }] };
const newOrder = async (): Promise<string> => (await instance(0).post(body)).body.id;
const confirm = (orderId: string) =>
  pair.fixture.inventory.publish(
    createEvent(InventoryReserved, {
      aggregateId: orderId,
      source: 'inventory',
      data: { orderId, reservations: body.items },
    }),
  );

/** A stream of server-sent events, as it comes in. */
interface Stream {
  status: number;
  type: string | undefined;
  retryAfter: string | undefined;
  readonly text: string;
  readonly ended: boolean;
  leave(): void;
}

function open(orderId: string, { at = 0, lastEventId = '' }: { at?: number; lastEventId?: string } = {}) {
  return openOn(instance(at), orderId, lastEventId);
}

function openOn({ service }: RunningOrder, orderId: string, lastEventId = '') {
  return new Promise<Stream>((resolve, reject) => {
    const url = `http://127.0.0.1:${service.port}/orders/${orderId}/stream`;
    const headers = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
    const request = get(url, { headers }, (res: IncomingMessage) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      res.on('error', () => undefined);
      resolve({
        status: res.statusCode ?? 0,
        type: res.headers['content-type'],
        retryAfter: res.headers['retry-after'],
        get text() {
          return text;
        },
        get ended() {
          return res.complete;
        },
        leave: () => void res.destroy(),
      });
    });
    request.on('error', reject);
  });
}

/** `id type` of each event that has come. */
const eventsIn = ({ text }: Stream): string[] =>
  [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)].map(([, id, type, data]) => {
    const entry = JSON.parse(data ?? '');
    expect([entry.sequence, entry.type]).toEqual([Number(id), type]);
    return `${id} ${type}`;
  });

async function followersOf({ api }: RunningOrder): Promise<number> {
  const { text } = await api.get('/metrics');
  return Number(/^warren_order_followers\{.*\} (\d+)$/m.exec(text)?.[1]);
}

async function followers(): Promise<number> {
  const counts = await Promise.all(pair.instances.map(followersOf));
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('GET /orders/:id/stream', () => {
  test('when the order goes on, then its events come on both instances, and the stream ends with the order', async () => {
    const orderId = await newOrder();
    const streams = [await open(orderId), await open(orderId, { at: 1 })];
    for (const stream of streams) {
      expect([stream.status, stream.type]).toEqual([200, 'text/event-stream']);
      await waitUntil(() => eventsIn(stream).length === 1, { what: 'what had happened before' });
    }
    await confirm(orderId);
    for (const stream of streams) {
      await waitUntil(() => stream.ended, { what: 'the end' });
      expect(eventsIn(stream)).toEqual(['1 OrderCreated', '2 OrderConfirmed']);
    }
    await waitUntil(async () => (await followers()) === 0, { what: 'no followers' });
  });

  test('when a client comes again with the last id, then it gets what it has not seen; when that is nothing, then 204', async () => {
    const orderId = await newOrder();
    await confirm(orderId);
    await waitUntilEnded(instance(0), orderId);
    const stream = await open(orderId, { lastEventId: '1' });
    await waitUntil(() => stream.ended);
    expect(eventsIn(stream)).toEqual(['2 OrderConfirmed']);
    expect((await open(orderId, { lastEventId: '2' })).status).toBe(204);
    await instance(0).api.post(`/orders/${orderId}/cancel`);
    const later = await open(orderId, { lastEventId: '2' });
    await waitUntil(() => later.ended);
    expect(eventsIn(later)).toEqual(['3 OrderCancelled']);
  });

  test('when many follow many orders through both instances and some leave, then the others get everything and none is left', async () => {
    const orderIds = await Promise.all(Array.from({ length: 20 }, newOrder));
    const streams = await Promise.all(orderIds.flatMap((id) => [open(id), open(id, { at: 1 }), open(id)]));
    const leaving = streams.filter((_, at) => at % 3 === 2);
    for (const stream of leaving) stream.leave();
    await Promise.all(orderIds.map(confirm));
    for (const stream of streams.filter((one) => !leaving.includes(one))) {
      await waitUntil(() => stream.ended);
      expect(eventsIn(stream)).toEqual(['1 OrderCreated', '2 OrderConfirmed']);
    }
    await waitUntil(async () => (await followers()) === 0, { what: 'no followers' });
  });

  test('when there is no such order, then 404; when the last id is none, then 400', async () => {
    expect((await open(createId())).status).toBe(404);
    expect((await open(await newOrder(), { lastEventId: 'x' })).status).toBe(400);
  });
});

describe('Prefer: wait', () => {
  test('when the order ends in time, also through the other instance, then the answer has its end', async () => {
    const answer = instance(1).post({ ...body, customerId: 'waits' }, { Prefer: 'wait=20' });
    const placed = new Promise<Awaited<typeof answer>>((resolve, reject) => answer.then(resolve, reject));
    const orderId = await waitUntil(async () => {
      const { body: page } = await instance(0).api.get('/orders').query({ customerId: 'waits' });
      return page.items[0]?.id as string | undefined;
    });
    await confirm(orderId);
    const { status, headers, body: order } = await placed;
    expect([status, headers['preference-applied'], headers.location]).toEqual([201, 'wait=20', `/orders/${orderId}`]);
    expect(order).toMatchObject({ id: orderId, status: 'confirmed', version: 2 });
  });

  test('when it does not end in time, then the answer has it pending', async () => {
    const { status, headers, body: order } = await instance(0).post(body, { Prefer: 'wait=1' });
    expect([status, headers['preference-applied'], order.status]).toEqual([201, 'wait=1', 'pending']);
  });

  test('when nothing of the kind is preferred, then nothing is applied', async () => {
    const { headers } = await instance(0).post(body, { Prefer: 'wait=0, respond-async' });
    expect(headers).not.toHaveProperty('preference-applied');
  });
});

describe('more clients than MAX_FOLLOWERS', () => {
  test('when as many follow as may, then a further stream gets 503 until one leaves, and a further wait is not held', async () => {
    const small = await pair.fixture.start({ MAX_FOLLOWERS: '2' });
    const orderId = await newOrder();
    const first = await openOn(small, orderId);
    const waiting = small.post(body, { Prefer: 'wait=50' }).then(({ body: order }) => order);
    await waitUntil(async () => (await followersOf(small)) === 2, { what: 'both to follow' });

    const refused = await Promise.all(Array.from({ length: 20 }, () => openOn(small, orderId)));
    for (const stream of refused) {
      await waitUntil(() => stream.ended);
      expect([stream.status, stream.retryAfter]).toEqual([503, '1']);
      expect(JSON.parse(stream.text)).toMatchObject({ code: 'ORDER_FOLLOWERS_FULL', status: 503 });
    }
    const { status, headers, body: order } = await small.post(body, { Prefer: 'wait=50' });
    expect([status, order.status]).toEqual([201, 'pending']);
    expect(headers).not.toHaveProperty('preference-applied');
    expect(await followersOf(small)).toBe(2);

    first.leave();
    const later = await waitUntil(async () => {
      const stream = await openOn(small, orderId);
      return stream.status === 200 ? stream : undefined;
    });
    await confirm(orderId);
    await waitUntil(() => later.ended, { what: 'the end of the later stream' });
    await small.service.lifecycle.stop();
    expect((await waiting).status).toBe('pending');
  });
});

describe('a service that drains', () => {
  test('when clients follow and wait, then they are let go, and the stop does not wait for them', async () => {
    const third = await pair.fixture.start();
    pair.instances.push(third);
    const orderId = await newOrder();
    const stream = await open(orderId, { at: 2 });
    const answer = third.post(body, { Prefer: 'wait=20' });
    const waiting = new Promise<Awaited<typeof answer>>((resolve, reject) => answer.then(resolve, reject));
    await waitUntil(async () => (await followers()) === 2, { what: 'both to follow' });
    // It would fail after DRAIN_TIMEOUT_MS.
    await third.service.lifecycle.stop();
    expect((await waiting).body.status).toBe('pending');
    await waitUntil(() => stream.ended);
    expect(eventsIn(stream)).toEqual(['1 OrderCreated']);
    pair.instances.pop();
  });
});
