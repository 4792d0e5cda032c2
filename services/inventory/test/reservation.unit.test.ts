import { describe, expect, it } from '@jest/globals';
import {
  type Decision,
  decide,
  evolve,
  noReservation,
  type OrderToReserve,
  type ReservationEvent,
} from '../src/domain/reservation.ts';

const order = (...items: [productId: string, quantity: number][]): OrderToReserve => ({
  id: 'order-1',
  items: items.map(([productId, quantity]) => ({ productId, quantity })),
});

const given = (...events: ReservationEvent[]) => ({
  when: (created: OrderToReserve, stock: Record<string, number> = {}): Decision =>
    decide(events.reduce(evolve, noReservation), created, new Map(Object.entries(stock))),
});

const reserved = (...lines: [productId: string, quantity: number][]): ReservationEvent => ({
  type: 'InventoryReserved',
  data: { orderId: 'order-1', reservations: lines.map(([productId, quantity]) => ({ productId, quantity })) },
});

const unavailable = (
  { items }: OrderToReserve,
  ...shortages: { productId: string; requested: number; available: number }[]
): ReservationEvent => ({ type: 'InventoryUnavailable', data: { orderId: 'order-1', items, shortages } });

const happened = (event: ReservationEvent): Decision => ({ outcome: 'happened', event });

describe('the reservation of an order', () => {
  it('when every line is in stock, then all of them are reserved', () => {
    const decision = given().when(order(['apple', 2], ['pear', 1]), { apple: 5, pear: 5 });
    expect(decision).toEqual(happened(reserved(['apple', 2], ['pear', 1])));
  });

  it('when exactly the last pieces are ordered, then they are reserved', () => {
    expect(given().when(order(['apple', 5]), { apple: 5 })).toEqual(happened(reserved(['apple', 5])));
  });

  it('when one line of several is short, then nothing is reserved and only that product is named', () => {
    const created = order(['apple', 2], ['pear', 6]);
    const short = { productId: 'pear', requested: 6, available: 5 };
    expect(given().when(created, { apple: 5, pear: 5 })).toEqual(happened(unavailable(created, short)));
  });

  it('when several products are short, then each is named once, in the order of the lines', () => {
    const created = order(['pear', 6], ['apple', 9], ['pear', 1]);
    const pear = { productId: 'pear', requested: 7, available: 5 };
    const apple = { productId: 'apple', requested: 9, available: 0 };
    expect(given().when(created, { apple: 0, pear: 5 })).toEqual(happened(unavailable(created, pear, apple)));
  });

  it('when a product is unknown, then it is a shortage with 0 available', () => {
    const created = order(['nothing', 1]);
    const short = { productId: 'nothing', requested: 1, available: 0 };
    expect(given().when(created, { apple: 5 })).toEqual(happened(unavailable(created, short)));
  });

  it('when two lines name the same product, then they count as their sum', () => {
    expect(given().when(order(['apple', 2], ['apple', 3]), { apple: 5 })).toEqual(happened(reserved(['apple', 5])));
    const tooMuch = order(['apple', 3], ['apple', 3]);
    const short = { productId: 'apple', requested: 6, available: 5 };
    expect(given().when(tooMuch, { apple: 5 })).toEqual(happened(unavailable(tooMuch, short)));
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'when a product is called %s, then it is like any other',
    (name) => {
      const created = order([name, 1]);
      const short = { productId: name, requested: 1, available: 0 };
      expect(given().when(created)).toEqual(happened(unavailable(created, short)));
      const levels = new Map([[name, 1]]);
      expect(decide(noReservation, created, levels)).toEqual(happened(reserved([name, 1])));
    },
  );

  it('when the order has its reservation, then its creation is ignored, with a reason', () => {
    const decision = given(reserved(['apple', 2])).when(order(['apple', 2]), { apple: 5 });
    expect(decision).toEqual({ outcome: 'ignored', reason: 'the order already has its reservation' });
  });

  it('when the order was refused, then its creation is ignored, also when the stock has come meanwhile', () => {
    const created = order(['apple', 2]);
    const refused = unavailable(created, { productId: 'apple', requested: 2, available: 0 });
    const decision = given(refused).when(created, { apple: 5 });
    expect(decision).toEqual({ outcome: 'ignored', reason: 'the order has already been refused' });
  });
});
