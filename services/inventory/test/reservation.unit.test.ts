import { describe, it } from '@jest/globals';
import { given } from '@warren/testing';
import { type ReservationEvent, reservation } from '../src/domain/reservation.ts';
import { orderCancelled, orderCreated } from './messages.ts';

type Lines = readonly [productId: string, quantity: number][];
type Short = [productId: string, requested: number, available: number];

const order = (...lines: Lines) => orderCreated(lines, 'order-1');
const itemsOf = (lines: Lines) => lines.map(([productId, quantity]) => ({ productId, quantity }));

const reserved = (...lines: Lines): ReservationEvent => ({
  type: 'InventoryReserved',
  data: { orderId: 'order-1', reservations: itemsOf(lines) },
});

const unavailable = ({ data: { items } }: ReturnType<typeof order>, ...short: Short[]): ReservationEvent => ({
  type: 'InventoryUnavailable',
  data: {
    orderId: 'order-1',
    items,
    shortages: short.map(([productId, requested, available]) => ({ productId, requested, available })),
  },
});

/** A reservation with this history, and these levels in stock. */
const inStock =
  (...stock: Lines) =>
  (...history: ReservationEvent[]) =>
    given(reservation, ...history).sharing(Object.fromEntries(stock));

describe('the reservation of an order', () => {
  it('when every line is in stock, then all of them are reserved', () => {
    const after = inStock(['apple', 5], ['pear', 5]);
    after()
      .when(order(['apple', 2], ['pear', 1]))
      .then([reserved(['apple', 2], ['pear', 1])]);
  });

  it('when exactly the last pieces are ordered, then they are reserved', () => {
    const after = inStock(['apple', 5]);
    after()
      .when(order(['apple', 5]))
      .then([reserved(['apple', 5])]);
  });

  it('when one line of several is short, then nothing is reserved and only that product is named', () => {
    const after = inStock(['apple', 5], ['pear', 5]);
    const created = order(['apple', 2], ['pear', 6]);
    after()
      .when(created)
      .then([unavailable(created, ['pear', 6, 5])]);
  });

  it('when several products are short, then each is named once, in the order of the lines', () => {
    const after = inStock(['apple', 0], ['pear', 5]);
    const created = order(['pear', 6], ['apple', 9], ['pear', 1]);
    after()
      .when(created)
      .then([unavailable(created, ['pear', 7, 5], ['apple', 9, 0])]);
  });

  it('when a product is unknown, then it is a shortage with 0 available', () => {
    const after = inStock(['apple', 5]);
    const created = order(['nothing', 1]);
    after()
      .when(created)
      .then([unavailable(created, ['nothing', 1, 0])]);
  });

  it('when two lines name the same product, then they count as their sum', () => {
    const after = inStock(['apple', 5]);
    after()
      .when(order(['apple', 2], ['apple', 3]))
      .then([reserved(['apple', 5])]);
    const tooMuch = order(['apple', 3], ['apple', 3]);
    after()
      .when(tooMuch)
      .then([unavailable(tooMuch, ['apple', 6, 5])]);
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'when a product is called %s, then it is like any other',
    (name) => {
      const created = order([name, 1]);
      inStock()()
        .when(created)
        .then([unavailable(created, [name, 1, 0])]);
      inStock([name, 1])()
        .when(created)
        .then([reserved([name, 1])]);
    },
  );

  it('when the order has its reservation, then its creation is ignored', () => {
    const after = inStock(['apple', 5]);
    after(reserved(['apple', 2]))
      .when(order(['apple', 2]))
      .thenNothingHappened('the order already has its reservation');
  });

  it('when the order was refused, then its creation is ignored, also when the stock has come meanwhile', () => {
    const after = inStock(['apple', 5]);
    const created = order(['apple', 2]);
    after(unavailable(created, ['apple', 2, 0]))
      .when(created)
      .thenNothingHappened('the order was already refused');
  });
});

describe('a cancelled order', () => {
  const created = order(['apple', 2]);
  const cancelled = orderCancelled('order-1');
  const released: ReservationEvent = {
    type: 'InventoryReleased',
    data: { orderId: 'order-1', released: itemsOf([['apple', 2]]) },
  };
  const forestalled: ReservationEvent = { type: 'ReservationForestalled', data: { orderId: 'order-1' } };

  it('when it has its reservation, then that is released', () => {
    given(reservation, reserved(['apple', 2]))
      .when(cancelled)
      .then([released]);
  });

  it('when it was refused, then there is nothing to release', () => {
    given(reservation, unavailable(created, ['apple', 2, 0]))
      .when(cancelled)
      .thenNothingHappened('nothing is reserved for the order');
  });

  it('when nothing has been heard of it, then its creation reserves nothing when it comes', () => {
    given(reservation).when(cancelled).then([forestalled]);
    inStock(['apple', 5])(forestalled).when(created).thenNothingHappened('the order is already cancelled');
  });

  it('when its cancellation or its creation comes again, then nothing happens', () => {
    const history = [reserved(['apple', 2]), released];
    given(reservation, ...history)
      .when(cancelled)
      .thenNothingHappened('the reservation is already released');
    given(reservation, forestalled).when(cancelled).thenNothingHappened('the cancellation is already known');
    inStock(['apple', 5])(...history)
      .when(created)
      .thenNothingHappened('the order is already cancelled');
  });
});
