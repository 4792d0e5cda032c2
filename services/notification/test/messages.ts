import { OrderCreated, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import { createEvent, type EventEnvelope } from '@warren/contracts';
import { createId } from '@warren/kernel';

const source = 'test';

/** A user, and the events that tell of it in the order in which they happened. */
export function newUser(name = 'Ann') {
  const userId = createId();
  const email = `${userId}@example.com`;
  const startedAt = Date.now();
  let happened = 0;
  const about = () => {
    happened += 1;
    return { aggregateId: userId, source, now: new Date(startedAt + happened) };
  };
  return {
    userId,
    email,
    registered: () => createEvent(UserRegistered, { ...about(), data: { userId, email, name } }),
    changed: (next: string) =>
      createEvent(UserEmailChanged, { ...about(), data: { userId, email: next, previousEmail: email } }),
    deactivated: () => createEvent(UserDeactivated, { ...about(), data: { userId } }),
  };
}

/** An order of a customer, and the events that tell of it. */
export function newOrder(customerId: string) {
  const orderId = createId();
  const about = { aggregateId: orderId, source };
  const at = new Date().toISOString();
  const updated = (data: { status: 'confirmed' | 'cancelled'; reason?: string }): EventEnvelope =>
    createEvent(OrderStatusUpdated, { ...about, data: { orderId, updatedAt: at, ...data } });
  return {
    orderId,
    created: () =>
      createEvent(OrderCreated, {
        ...about,
        data: {
          id: orderId,
          customerId,
          items: [{ productId: 'item1', quantity: 2, price: 4.5 }],
          totalAmount: 9,
          currency: 'EUR',
          status: 'pending',
          createdAt: at,
        },
      }),
    confirmed: () => updated({ status: 'confirmed' }),
    cancelled: (reason = 'out of stock') => updated({ status: 'cancelled', reason }),
    shipped: () => createEvent(OrderShipped, { ...about, data: { orderId, shippedAt: at } }),
  };
}
