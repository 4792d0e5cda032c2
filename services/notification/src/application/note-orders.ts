import type { OrderCreated, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { orderTotalOf } from '@shop/events/order-total';
import { QUEUES } from '@shop/events/topology';
import type { EventOf } from '@warren/contracts';
import { claimFresh } from '@warren/event-store';
import type { OrderNote } from './books.ts';
import { causedBy, type MailRequest } from './mail-streams.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';
import { requestMails } from './request-mails.ts';

/** What the service hears of orders. */
export type OrderMessage = EventOf<typeof OrderCreated | typeof OrderStatusUpdated | typeof OrderShipped>;

/** Takes in a batch of events of orders in one transaction: whose they are, and that their customers are to be told what became of them. */
export function createNoteOrders(dependencies: NotificationDependencies) {
  const { store, orders, mails } = dependencies;
  return async (messages: readonly OrderMessage[]): Promise<void> => {
    const requested = await store.transaction(async (tx) => {
      const fresh = await claimFresh(tx, QUEUES.notificationOrders, messages);
      await orders.note(tx, fresh.map(noteOf));
      return requestMails(tx, fresh.flatMap(requestOf), dependencies);
    });
    for (const { subject } of requested) mails.inc({ kind: subject.kind, outcome: 'requested' });
  };
}

function noteOf({ type, data }: OrderMessage): OrderNote {
  if (type === 'OrderStatusUpdated')
    return { orderId: data.orderId, cancelled: data.status === 'cancelled', shipped: false };
  if (type === 'OrderShipped') return { orderId: data.orderId, cancelled: false, shipped: true };
  const { id: orderId, customerId } = data;
  const total = orderTotalOf(data);
  return { orderId, customerId, ...(total && { total }), cancelled: false, shipped: false };
}

function requestOf(message: OrderMessage): MailRequest[] {
  const news = newsOf(message);
  return news ? [causedBy(message, news)] : [];
}

/** Which mail a message asks for. What else an order can go through that its customer should hear of has its place here. */
function newsOf({ type, data }: OrderMessage): Pick<MailRequest, 'subject' | 'command'> | undefined {
  if (type === 'OrderShipped')
    return { subject: { kind: 'shipped', subjectId: data.orderId }, command: { type: 'RequestMail' } };
  if (type !== 'OrderStatusUpdated' || data.status === 'pending') return undefined;
  const { orderId, status, reason } = data;
  const command = { type: 'RequestMail', ...(reason !== undefined && { reason }) } as const;
  return { subject: { kind: status, subjectId: orderId }, command };
}
