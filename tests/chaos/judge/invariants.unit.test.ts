import { describe, expect, it } from '@jest/globals';
import { deriveId } from '@warren/kernel';
import type { Evidence } from './evidence.ts';
import { checkInvariants } from './invariants.ts';
import { brokenBy, CANCEL_2, deadPoison, logged, soundRun } from './sound-run.ts';

/** A further event of the third order, in the archive. */
const archivedEvent = (version: number) => ({
  ...logged('e8b', 'order-order-3', version, 'OrderConfirmed'),
  archived: true,
});

type Order = Evidence['orders'][number];

/** The sound run, but seen on the exchanges in this order. */
const seenAs = (...ids: string[]) => ({ firstSeen: new Map(ids.map((id, place) => [id, place])) });

/** The sound run, but these were not seen. */
const unseen = (...ids: string[]) => seenAs(...[...soundRun().firstSeen.keys()].filter((id) => !ids.includes(id)));

const everything = [...soundRun().firstSeen.keys()];

const [order1, order2, order3] = soundRun().orders as [Order, Order, Order];
const movements = soundRun().movements;

const handledBut = (id: string, by?: string) =>
  soundRun().handled.filter(({ messageId, consumer }) => messageId !== id || (by ?? consumer) !== consumer);

describe('the judgement of a run', () => {
  it('when everything went well, then no promise is broken', () => {
    expect(checkInvariants(soundRun())).toEqual([]);
  });

  it.each<[string, RegExp, Partial<Evidence>]>([
    ['an order answered 201 is not stored', /answered 201/, { orders: [order1, order3] }],
    [
      'an order is stored with other lines',
      /answered 201/,
      { orders: [order1, { ...order2, items: [{ productId: 'item', quantity: 901 }] }, order3] },
    ],
    ['an order is stored with another total', /answered 201/, { orders: [{ ...order1, cents: 1999 }, order2, order3] }],
    ['an order is pending', /every order ends/, { orders: [order1, { ...order2, status: 'pending' }, order3] }],
    [
      'an order is confirmed though its cancellation was answered 200',
      /answered 200 is cancelled/,
      { orders: [order1, order2, { ...order3, status: 'confirmed' }] },
    ],
    ['a confirmed order has no pieces', /has its pieces/, { reservations: [] }],
    [
      'a cancelled order has pieces',
      /every other order none/,
      {
        reservations: [...soundRun().reservations, { orderId: 'order-2', productId: 'item', quantity: 1 }],
        levels: [{ productId: 'item', available: 12, reserved: 3, ledger: 12 }],
      },
    ],
    [
      'an order that does not exist has pieces',
      /every other order none/,
      { reservations: [...soundRun().reservations, { orderId: 'nobody', productId: 'item', quantity: 1 }] },
    ],
    ['an order took its pieces twice', /reserved twice/, { movements: [...movements, ...movements.slice(0, 1)] }],
    [
      'an order was told twice that it is reserved',
      /reserved twice/,
      { events: [...soundRun().events, logged('e2b', 'reservation-order-1', 2, 'InventoryReserved')] },
    ],
    ['an order gave its pieces back twice', /released twice/, { movements: [...movements, ...movements.slice(2)] }],
    [
      'an order was told twice that it is released',
      /released twice/,
      { events: [...soundRun().events, logged('e9b', 'reservation-order-3', 3, 'InventoryReleased')] },
    ],
    ['an order gave back what it never took', /what it took/, { movements: movements.filter((_, at) => at !== 1) }],
    ['an order gave back nothing of what it took', /what it took/, { movements: movements.slice(0, 2) }],
    ['a creation did not reach the inventory', /is handled/, { handled: handledBut('e1', 'inventory_order_created') }],
    ['a confirmation did not reach the payment service', /is handled/, { handled: handledBut('e3', 'payment_orders') }],
    ['a payment did not reach its order', /is handled/, { handled: handledBut('p1', 'order_payments') }],
    ['a registration did not reach the mails', /is handled/, { handled: handledBut('u1', 'notification_users') }],
    ['an answer did not reach its order', /is handled/, { handled: handledBut('e5') }],
    [
      'a cancellation did not reach the inventory',
      /is handled/,
      { handled: handledBut(deriveId(CANCEL_2, 'OrderCancelled')) },
    ],
    [
      'stock is negative',
      /never negative/,
      { levels: [{ productId: 'item', available: -1, reserved: 16, ledger: -1 }] },
    ],
    ['stock is missing', /never negative/, { levels: [{ productId: 'item', available: 12, reserved: 2, ledger: 12 }] }],
    ['a level is missing altogether', /never negative/, { levels: [] }],
    [
      'the ledger is not the level',
      /ledger/,
      { levels: [{ productId: 'item', available: 13, reserved: 2, ledger: 12 }] },
    ],
    ['a receipt was not booked', /received, once/, { receipts: [] }],
    ['a receipt was booked twice', /received, once/, { receipts: [...soundRun().receipts, ...soundRun().receipts] }],
    [
      'a version is in a stream twice',
      /each of its versions once/,
      { events: [...soundRun().events, archivedEvent(2)] },
    ],
    [
      'a version is missing',
      /each of its versions once/,
      { events: soundRun().events.filter(({ id }) => id !== 'e6') },
    ],
    [
      'the end of a stream is in the archive, and its beginning is not',
      /those in the archive first/,
      { events: soundRun().events.map((event) => ({ ...event, archived: event.version === 2 })) },
    ],
    ['an event was not published', /every event is published/, unseen('e3')],
    ['a stream was published out of order', /in order/, seenAs('e3', ...everything.filter((id) => id !== 'e3'))],
    ['something was published that was not committed', /was committed/, seenAs(...everything, 'ghost')],
    ['poison is missing among the dead letters', /dead letters/, { deadLetters: [] }],
    [
      'a good message is among the dead letters',
      /dead letters/,
      {
        deadLetters: [...soundRun().deadLetters, { ...deadPoison, messageId: 'e1', digest: 'd2', reason: 'exhausted' }],
      },
    ],
    ['poison changed on its way', /dead letters/, { deadLetters: [{ ...deadPoison, digest: 'other' }] }],
    [
      'the broker set poison aside before a service had judged it',
      /service that judged it/,
      { deadLetters: [{ ...deadPoison, reason: 'delivery_limit' }] },
    ],
    ['a message is left', /left in a queue/, { leftInQueues: [{ queue: 'retry.1s', messages: 1 }] }],
    ['a service met a fault', /impossible/, { faultsLogged: ['inventory-1: STOCK_LEVEL_MISMATCH'] }],
  ])('when %s, then that is a violation', (_, promise, change) => {
    expect(brokenBy(change)).toContainEqual(expect.stringMatching(promise));
  });

  it('when a key was answered with two orders, then that is a violation', () => {
    const { record } = soundRun();
    record.idsByKey.set('key', new Set(['order-1', 'order-2']));
    expect(brokenBy({ record })).toEqual(['an Idempotency-Key stands for one order']);
  });

  it('when an order was answered 201 and then 404, then that is a violation', () => {
    const { record } = soundRun();
    record.denied.add('order-3');
    expect(brokenBy({ record })).toEqual(['an order answered 201 is stored, as it was sent']);
  });

  it('when poison came to two queues and is among the dead letters of one, then that is a violation', () => {
    const { record } = soundRun();
    record.poison.set('poison', { queues: ['inventory_order_created', 'payment_orders'], digest: 'd1' });
    expect(brokenBy({ record })).toEqual([expect.stringMatching(/dead letters/)]);
  });

  it('when a service does not run, then it need not have handled anything', () => {
    const handled = soundRun().handled.filter(({ consumer }) => !consumer.startsWith('payment'));
    const running = new Set([...soundRun().running].filter((service) => service !== 'payment'));
    expect(brokenBy({ handled, running })).toEqual([]);
  });

  it('when a message was taken by a stranger, then nobody need have handled it', () => {
    const { record } = soundRun();
    record.taken.add('inventory_order_created e1');
    expect(brokenBy({ record, handled: handledBut('e1', 'inventory_order_created') })).toEqual([]);
    expect(brokenBy({ record, handled: handledBut('e1', 'payment_orders') })).toHaveLength(1);
  });

  it('when an event was recorded while the observer was off, then it counts as published', () => {
    const blind = { blindSpells: [{ from: 1002, to: 1002 }] };
    expect(brokenBy({ ...blind, ...unseen('e3', CANCEL_2, 'e8', 'e9') })).toEqual([]);
    expect(brokenBy({ ...blind, ...unseen('e1', 'e3', CANCEL_2, 'e8', 'e9') })).toHaveLength(1);
  });

  it('when the observer had lost a message, or did not watch, then its place tells nothing', () => {
    const late = seenAs('e3', ...everything.filter((id) => id !== 'e3'));
    const { recordedAt = 0 } = soundRun().events.find(({ id }) => id === 'e3') ?? {};
    expect(brokenBy({ ...late, seenLate: new Set(['e3']) })).toEqual([]);
    expect(brokenBy({ ...late, blindSpells: [{ from: recordedAt, to: recordedAt }] })).toEqual([]);
    expect(brokenBy({ ...late, seenLate: new Set(['e9']) })).toHaveLength(1);
  });

  it('when a promise is broken many times, then all are counted and a few are shown', () => {
    const faultsLogged = Array.from({ length: 40 }, (_, index) => `fault ${index}`);
    const [violation] = checkInvariants({ ...soundRun(), faultsLogged });
    expect(violation).toMatchObject({ count: 40, examples: faultsLogged.slice(0, 5) });
  });
});
