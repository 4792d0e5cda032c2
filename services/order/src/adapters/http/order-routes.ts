import { OrderCreatedV1 } from '@shop/events/order';
import { OrderView } from '@shop/events/order-view';
import { get, post, routesAbout, strictObject } from '@warren/http';
import { type Context, followRoute, historyRoute } from '@warren/service';
import { cancelOrder, shipOrder } from '../../application/change-order.ts';
import { createOrder } from '../../application/create-order.ts';
import { listOrders, OrderFilter, OrderPage } from '../../application/list-orders.ts';
import { orders } from '../../application/order-view.ts';
import { hasEnded, notFound, order } from '../../domain/order.ts';
import { orderErrors } from '../../domain/order-errors.ts';
import { CancelBody, FirstOrderBody, OrderBody } from './order-requests.ts';

interface Settings {
  createdVersion: number;
  payments: string;
}

const answer = OrderView;
const location = ({ id }: OrderView) => `/orders/${id}`;
const full = () => orderErrors.ORDER_FOLLOWERS_FULL('too many clients are already following orders');

/** `Prefer: wait`: waits until the order has ended. */
const wait = ({ store }: Context, { id }: OrderView, signal: AbortSignal): Promise<OrderView> | undefined =>
  store.canFollow ? whenEnded(store, id, signal) : undefined;

async function whenEnded(store: Context['store'], id: string, signal: AbortSignal): Promise<OrderView> {
  for await (const _ of store.follow(order, id, { until: hasEnded, signal }));
  return store.get(orders, id);
}

/** The HTTP API of the order service: see docs/api.md for examples. */
export function orderRoutes({ createdVersion, payments }: Settings) {
  const body = createdVersion === OrderCreatedV1.version ? FirstOrderBody : OrderBody;
  return routesAbout<Context<Settings>>({ missing: notFound }, [
    post('/orders', { body, idempotent: true, answer, location, wait }, createOrder),
    get('/orders', { query: OrderFilter, answer: OrderPage }, listOrders),
    get('/orders/:id', { answer }, ({ store }: Context, { id }) => store.get(orders, id)),
    post('/orders/:id/cancel', { body: CancelBody, answer }, cancelOrder),
    ...(payments === 'on' ? [post('/orders/:id/ship', { body: strictObject({}), answer }, shipOrder)] : []),
    historyRoute('/orders/:id/events', order, notFound),
    followRoute('/orders/:id/stream', order, { model: orders, until: hasEnded, full }),
  ]);
}
