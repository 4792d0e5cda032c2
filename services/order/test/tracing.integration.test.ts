import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { createEvent, type EventEnvelope } from '@warren/contracts';
import {
  type SpanCollector,
  startOtlpReceiver,
  startSpanCollector,
  uniqueName,
  waitUntil,
  waitUntilReady,
} from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder } from './order-fixture.ts';

const items = [{ productId: 'item1', quantity: 1 }];
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traced = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1' };

let fixture: OrderFixture;
let order: RunningOrder;
/** What came over the wire. */
let seen: { event: EventEnvelope; headers: Readonly<Record<string, unknown>> }[] = [];
const queues = { created: uniqueName('created'), updated: uniqueName('updated') };

beforeAll(async () => {
  fixture = await createOrderFixture();
  order = await fixture.start();
  await waitUntilReady(order.service);
  const { inventory } = fixture;
  await inventory.subscribe({
    queue: queues.created,
    bindings: [OrderCreated],
    handler: async (event, { headers }) => {
      seen.push({ event, headers });
      const reservations = event.data.items.map(({ productId, quantity }) => ({ productId, quantity }));
      const about = { aggregateId: event.data.id, data: { orderId: event.data.id, reservations } };
      await inventory.publish(createEvent(InventoryReserved, { ...about, source: 'inventory', causedBy: event }));
    },
  });
  await inventory.subscribe({
    queue: queues.updated,
    bindings: [OrderStatusUpdated],
    handler: async (event, { headers }) => void seen.push({ event, headers }),
  });
});
afterAll(() => fixture.close());
beforeEach(() => {
  seen = [];
});

/** Places an order and gives what came over the wire, once the last event of it has. */
async function place(headers: Record<string, string>) {
  const { body, status } = await order.post({ customerId: 'c', items }, headers);
  expect(status).toBe(201);
  const ofOrder = () => seen.filter(({ event }) => event.aggregateId === body.id);
  await waitUntil(() => ofOrder().length === 2, { what: 'the last event of the order' });
  return ofOrder();
}

describe('while nobody records spans', () => {
  it('when a request belongs to a trace, then every event that follows from it does too, in the log and on the wire', async () => {
    const messages = await place(traced);
    expect(messages.map(({ event }) => event.type)).toEqual(['OrderCreated', 'OrderStatusUpdated']);
    for (const { event, headers } of messages) {
      expect(event.metadata).toMatchObject(traced);
      expect(headers).toEqual(traced);
    }
    const [created, updated] = messages.map(({ event }) => event);
    expect(created?.metadata.causationId).toBe(created?.metadata.correlationId);
    expect(updated?.metadata.correlationId).toBe(created?.metadata.correlationId);
    expect(updated?.metadata.causationId).not.toBe(updated?.metadata.correlationId);
  });

  it('when another request cancels the order, then the cancellation belongs to the trace of that one', async () => {
    const [created] = await place({});
    const orderId = created?.event.aggregateId;
    await order.api.post(`/orders/${orderId}/cancel`).set(traced).expect(200);
    const isCancelled = ({ event }: { event: EventEnvelope }) =>
      event.aggregateId === orderId && (event.data as { status?: string }).status === 'cancelled';
    const cancelled = await waitUntil(() => seen.find(isCancelled), { what: 'the cancellation' });
    expect(cancelled.event.metadata).toMatchObject(traced);
    expect(created?.event.metadata).not.toHaveProperty('traceparent');
  });

  it.each<Record<string, string>>([{}, { traceparent: 'nonsense', tracestate: 'a=1' }])(
    'when the head of a request has %j, then its events belong to no trace',
    async (head) => {
      for (const { event, headers } of await place(head)) {
        expect(Object.keys(event.metadata).toSorted()).toEqual(['causationId', 'correlationId', 'source']);
        expect(headers).toEqual({});
      }
    },
  );
});

describe('while spans are recorded', () => {
  let collector: SpanCollector;
  beforeAll(async () => {
    collector = await startSpanCollector();
  });
  afterAll(() => collector.stop());

  it('when an order is placed, then one trace leads from the request to its last event, each span under the one that caused it', async () => {
    const messages = await place(traced);
    const last = `process orders:order.updated:${queues.updated}`;
    const ofTrace = () => collector.spans().filter((span) => span.spanContext().traceId === traceId);
    const path = [
      'POST /orders',
      'send orders:order.created',
      `process orders:order.created:${queues.created}`,
      'send inventory:inventory.reserved',
      'process inventory:inventory.reserved:order_inventory_reserved',
      'send orders:order.updated',
      last,
    ];
    // The span of a sent message ends with the broker's confirm, which may come after the message itself.
    await waitUntil(() => path.every((name) => ofTrace().some((span) => span.name === name)), { what: 'the spans' });
    const spans = new Map(ofTrace().map((span) => [span.name, span]));
    const ids = path.map((name) => spans.get(name)?.spanContext().spanId);
    const parents = path.map((name) => spans.get(name)?.parentSpanContext?.spanId);
    expect(ids).not.toContain(undefined);
    expect(parents).toEqual([spanId, ...ids.slice(0, -1)]);
    const headers = messages.map((message) => message.headers.traceparent);
    expect(headers).toEqual([ids[1], ids[5]].map((id) => `00-${traceId}-${id}-01`));
  });
});

describe('with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  it('when the service has stopped, then its spans are at the receiver', async () => {
    const receiver = await startOtlpReceiver();
    const exporting = await fixture.start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    await exporting.post({ customerId: 'c', items }, traced).expect(201);
    await exporting.service.lifecycle.stop();
    const [request] = receiver.spans().filter(({ name }) => name === 'POST /orders');
    expect(request).toMatchObject({ service: 'order', traceId, parentSpanId: spanId });
    await receiver.close();
  });
});
