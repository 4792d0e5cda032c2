import { describe, expect, test } from '@jest/globals';
import {
  type EventEnvelope,
  type EventOf,
  OrderCancelled,
  OrderCreated,
  OrderStatusUpdated,
  systemCatalogue,
} from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { orders } from '../src/application/order-view.ts';
import type { OrderEvent } from '../src/domain/order.ts';
import { recordedOf, toWire } from './recorded.ts';

const orderId = createId();
const now = new Date('2026-01-01T00:00:00.000Z');
const cause = { correlationId: 'request-1', causationId: 'message-1' };

const createdData: EventOf<typeof OrderCreated>['data'] = {
  id: orderId,
  customerId: 'c',
  items: [{ productId: 'p', quantity: 1, price: 0.1 }],
  totalAmount: 0.1,
  currency: 'EUR',
  priority: 'high',
  status: 'pending',
  createdAt: now.toISOString(),
};

/** A row of the log as release 0.1 left it. */
const LOGGED_BY_0_1: RecordedEvent = {
  id: '019aa4c1-7f00-7a31-9d2c-5a0f6f4f2a11',
  type: 'OrderCreated',
  version: 1,
  timestamp: '2026-11-20T10:00:00.000Z',
  aggregateId: '019aa4c1-7f00-7a31-9d2c-5a0f6f4f2a10',
  data: {
    id: '019aa4c1-7f00-7a31-9d2c-5a0f6f4f2a10',
    customerId: 'customer-1',
    items: [{ productId: 'item1', quantity: 2, price: 9.99 }],
    totalAmount: 19.98,
    status: 'pending',
    createdAt: '2026-11-20T10:00:00.000Z',
  },
  metadata: { correlationId: 'request-1', causationId: 'request-1', source: 'order' },
  routingKey: 'order.created',
  position: 1,
  streamId: 'order-019aa4c1-7f00-7a31-9d2c-5a0f6f4f2a10',
  streamVersion: 1,
};

const timestamp = now.toISOString();
const recordedAs = (event: OrderEvent, version: number) => recordedOf(event, { orderId, timestamp, version });
const recorded = (event: OrderEvent, streamVersion: number) => recordedOf(event, { orderId, timestamp, streamVersion });

describe('events of an order on the wire', () => {
  test('when the order was created, then it goes out as OrderCreated v2 with the same id', () => {
    const event = recordedAs({ type: 'OrderCreated', data: createdData }, OrderCreated.version);
    const [wire, ...others] = toWire(event);
    expect(others).toEqual([]);
    expect(wire).toMatchObject({
      id: event.id,
      type: 'OrderCreated',
      version: 2,
      aggregateId: orderId,
      data: createdData,
    });
    expect(addressOf(wire)).toEqual([OrderCreated.exchange, event.routingKey]);
  });

  test('when it is to be recorded in version 1, then it goes out as that, without what version 1 cannot say', () => {
    const { currency, priority, ...first } = createdData;
    const event = recordedAs({ type: 'OrderCreated', data: createdData }, 1);
    expect(toWire(event)).toMatchObject([{ id: event.id, version: 1, data: first }]);
    expect(toWire(event)[0]?.data).toEqual(first);
    expect(addressOf(toWire(event)[0])).toEqual([OrderCreated.exchange, event.routingKey]);
  });

  test('when the log was written by release 0.1, then it is read as today and goes out as it was written', () => {
    const [wire] = toWire(LOGGED_BY_0_1);
    expect(wire).toMatchObject({ id: LOGGED_BY_0_1.id, version: 1, data: LOGGED_BY_0_1.data });
    const { data, timestamp: updatedAt } = LOGGED_BY_0_1;
    expect(orders.rowAt([{ ...LOGGED_BY_0_1, sequence: 1 }])).toEqual({
      ...{ ...(data as object), currency: 'USD' },
      ...{ version: 1, updatedAt },
    });
  });

  test('when the log holds a version of a newer program, then it is not taken for an older one', () => {
    expect(() => orders.rowAt([{ ...LOGGED_BY_0_1, version: 3, sequence: 1 }])).toThrow('OrderCreated v3');
  });

  test.each<[OrderEvent, object]>([
    [{ type: 'OrderConfirmed', data: { orderId } }, { status: 'confirmed' }],
    [
      { type: 'OrderCancelled', data: { orderId, reason: 'insufficient stock', by: 'shortage', shortages: [] } },
      { status: 'cancelled', reason: 'insufficient stock' },
    ],
  ])('when it was $0.type, then it goes out as OrderStatusUpdated v1, with the cause carried on', (inner, data) => {
    const event = recorded(inner, 2);
    const [wire] = toWire(event);
    expect(wire).toEqual({
      id: event.id,
      type: 'OrderStatusUpdated',
      version: 1,
      timestamp: now.toISOString(),
      aggregateId: orderId,
      data: { orderId, ...data, updatedAt: now.toISOString() },
      metadata: { ...cause, source: 'order' },
    });
    expect(addressOf(wire)).toEqual([OrderStatusUpdated.exchange, event.routingKey]);
  });

  test('when it was cancelled, then OrderCancelled v1 goes out too, under an id of its own that is always the same', () => {
    const data = { orderId, reason: 'timed out', by: 'deadline' } as const;
    const event = recorded({ type: 'OrderCancelled', data }, 2);
    const [status, cancelled, ...others] = toWire(event);
    expect(others).toEqual([]);
    expect(cancelled).toEqual({
      id: toWire(event)[1]?.id,
      type: 'OrderCancelled',
      version: 1,
      timestamp: now.toISOString(),
      aggregateId: orderId,
      data: { ...data, cancelledAt: now.toISOString() },
      metadata: { ...cause, source: 'order' },
    });
    expect(cancelled?.id).not.toBe(status?.id);
    expect(addressOf(cancelled)).toEqual([OrderCancelled.exchange, OrderCancelled.routingKey]);
  });

  test('when the log holds a cancellation from before there was more than one cause, then it was for want of stock', () => {
    const old = { ...recorded({ type: 'OrderConfirmed', data: { orderId } }, 2), type: 'OrderCancelled' };
    const [, cancelled] = toWire({ ...old, data: { orderId, reason: 'insufficient stock', shortages: [] } });
    expect(cancelled?.data).toMatchObject({ by: 'shortage' });
  });

  test('when the log holds an event of a newer program, then it is not published as something else', () => {
    const strange = { ...recorded({ type: 'OrderConfirmed', data: { orderId } }, 2), type: 'OrderReturned' };
    expect(() => toWire(strange)).toThrow('OrderReturned');
  });
});

/** Where the bus sends it; throws when no contract takes it. */
function addressOf(wire: EventEnvelope | undefined): [string, string] {
  const { type, version } = systemCatalogue.parse(wire);
  const contract = systemCatalogue.find(type, version);
  return [contract?.exchange ?? '', contract?.routingKey ?? ''];
}
