import { describe, expect, it } from '@jest/globals';
import { createClientRecord } from './client-record.ts';
import type { Evidence, LoggedEvent } from './evidence.ts';
import { checkInvariants } from './invariants.ts';

const lines = [{ productId: 'item', quantity: 2 }];

const logged = (id: string, stream: string, version: number, type: string): LoggedEvent => ({
  id,
  stream,
  version,
  type,
  published: true,
  recordedAt: 1000 + version,
});

/** A run in which everything went well: one order confirmed, one cancelled, one receipt, one poison message. */
function soundRun(): Evidence {
  const record = createClientRecord();
  record.accepted.set('order-1', lines).set('order-2', [{ productId: 'item', quantity: 900 }]);
  record.idsByKey.set('key', new Set(['order-1']));
  record.receipts.set('receipt', { productId: 'item', quantity: 5 });
  record.poison.set('poison', { queue: 'inventory_order_created', digest: 'd1' });
  const events = [
    logged('e1', 'order-order-1', 1, 'OrderCreated'),
    logged('e2', 'reservation-order-1', 1, 'InventoryReserved'),
    logged('e3', 'order-order-1', 2, 'OrderConfirmed'),
    logged('e4', 'order-order-2', 1, 'OrderCreated'),
    logged('e5', 'reservation-order-2', 1, 'InventoryUnavailable'),
    logged('0192f000-0000-7000-8000-000000000006', 'order-order-2', 2, 'OrderCancelled'),
  ];
  const seen = [...events.map(({ id }) => id), 'receipt', 'poison'];
  return {
    record,
    initialStock: new Map([['item', 10]]),
    orders: [
      { id: 'order-1', status: 'confirmed', items: lines },
      { id: 'order-2', status: 'cancelled', items: [{ productId: 'item', quantity: 900 }] },
    ],
    events,
    levels: [{ productId: 'item', available: 13, reserved: 2, ledger: 13 }],
    reservations: [{ orderId: 'order-1', productId: 'item', quantity: 2 }],
    withdrawals: [{ orderId: 'order-1', productId: 'item' }],
    receipts: [{ messageId: 'receipt', productId: 'item', quantity: 5 }],
    firstSeen: new Map(seen.map((id, place) => [id, place])),
    blindSpells: [],
    deadLetters: [{ queue: 'inventory_order_created', messageId: 'poison', digest: 'd1', reason: 'invalid' }],
    leftInQueues: [{ queue: 'inventory_order_created', messages: 0 }],
    faultsLogged: [],
  };
}

const brokenBy = (change: Partial<Evidence>): string[] =>
  checkInvariants({ ...soundRun(), ...change }).map(({ promise }) => promise);

/** The sound run, but seen on the exchanges in this order. */
const seenAs = (...ids: string[]) => ({ firstSeen: new Map(ids.map((id, place) => [id, place])) });

const [order1, order2] = soundRun().orders as [Evidence['orders'][number], Evidence['orders'][number]];

describe('the judgement of a run', () => {
  it('when everything went well, then no promise is broken', () => {
    expect(checkInvariants(soundRun())).toEqual([]);
  });

  it.each<[string, RegExp, Partial<Evidence>]>([
    ['an order answered 201 is not stored', /answered 201/, { orders: [order1] }],
    [
      'an order is stored with other lines',
      /answered 201/,
      { orders: [order1, { ...order2, items: [{ productId: 'item', quantity: 901 }] }] },
    ],
    ['an order is pending', /every order ends/, { orders: [order1, { ...order2, status: 'pending' }] }],
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
    [
      'an order took its pieces twice',
      /reserved twice/,
      { withdrawals: [...soundRun().withdrawals, ...soundRun().withdrawals] },
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
      'an event was not published',
      /every event is published/,
      seenAs('e1', 'e2', 'e4', 'e5', '0192f000-0000-7000-8000-000000000006', 'receipt', 'poison'),
    ],
    [
      'a stream was published out of order',
      /in order/,
      seenAs('e3', 'e1', 'e2', 'e4', 'e5', '0192f000-0000-7000-8000-000000000006', 'receipt', 'poison'),
    ],
    [
      'something was published that was not committed',
      /was committed/,
      seenAs('e1', 'e2', 'e3', 'e4', 'e5', '0192f000-0000-7000-8000-000000000006', 'receipt', 'poison', 'ghost'),
    ],
    ['poison is missing among the dead letters', /dead letters/, { deadLetters: [] }],
    [
      'a good message is among the dead letters',
      /dead letters/,
      {
        deadLetters: [
          ...soundRun().deadLetters,
          { queue: 'inventory_order_created', messageId: 'e1', digest: 'd2', reason: 'exhausted' },
        ],
      },
    ],
    [
      'poison changed on its way',
      /dead letters/,
      { deadLetters: [{ queue: 'inventory_order_created', messageId: 'poison', digest: 'other', reason: 'invalid' }] },
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

  it('when an event was recorded while the observer was off, then it counts as published', () => {
    const blind = { blindSpells: [{ from: 1002, to: 1002 }] };
    expect(brokenBy({ ...blind, ...seenAs('e1', 'e2', 'e4', 'e5', 'receipt', 'poison') })).toEqual([]);
    expect(brokenBy({ ...blind, ...seenAs('e2', 'e4', 'e5', 'receipt', 'poison') })).toHaveLength(1);
  });

  it('when a promise is broken many times, then all are counted and a few are shown', () => {
    const faultsLogged = Array.from({ length: 40 }, (_, index) => `fault ${index}`);
    const [violation] = checkInvariants({ ...soundRun(), faultsLogged });
    expect(violation).toMatchObject({ count: 40, examples: faultsLogged.slice(0, 5) });
  });
});
