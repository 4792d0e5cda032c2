import { describe, expect, test } from '@jest/globals';
import {
  type EventEnvelope,
  OrderCancelled,
  OrderCreated,
  OrderStatusUpdated,
  systemCatalogue,
} from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { toNewEvent } from '../src/application/order-streams.ts';
import { toWire } from '../src/application/to-wire.ts';
import type { OrderEvent } from '../src/domain/order.ts';

const orderId = createId();
const now = new Date('2026-01-01T00:00:00.000Z');
const cause = { correlationId: 'request-1', causationId: 'message-1' };

function recorded(event: OrderEvent, streamVersion: number): RecordedEvent {
  return { ...toNewEvent(event, orderId, { cause, now }), position: 1, streamId: `order-${orderId}`, streamVersion };
}

describe('events of an order on the wire', () => {
  test('when the order was created, then it goes out as OrderCreated v1 with the same id', () => {
    const data = {
      id: orderId,
      customerId: 'c',
      items: [{ productId: 'p', quantity: 1, price: 0.1 }],
      totalAmount: 0.1,
      status: 'pending',
      createdAt: now.toISOString(),
    } as const;
    const event = recorded({ type: 'OrderCreated', data: { ...data, items: [...data.items] } }, 1);
    const [wire, ...others] = toWire(event);
    expect(others).toEqual([]);
    expect(wire).toMatchObject({ id: event.id, type: 'OrderCreated', version: 1, aggregateId: orderId, data });
    expect(addressOf(wire)).toEqual([OrderCreated.exchange, event.routingKey]);
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
    const strange = { ...recorded({ type: 'OrderConfirmed', data: { orderId } }, 2), type: 'OrderShipped' };
    expect(() => toWire(strange)).toThrow('OrderShipped');
  });
});

/** Where the bus sends it; throws when no contract takes it. */
function addressOf(wire: EventEnvelope | undefined): [string, string] {
  const { type, version } = systemCatalogue.parse(wire);
  const contract = systemCatalogue.find(type, version);
  return [contract?.exchange ?? '', contract?.routingKey ?? ''];
}
