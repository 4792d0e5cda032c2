import type { OrderView } from '@shop/events/order-view';
import { orders } from '@shop/order';
import { addressOf } from '../addresses.ts';
import type { Moment } from '../arguments.ts';
import { cliErrors } from '../cli-errors.ts';
import { createOrderApi, type OrderApi, type OrderEvent } from '../order-api.ts';
import { formatTable, printable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { formatTimeline } from '../timeline.ts';

export interface OrderOptions {
  at?: Moment;
  json?: true;
}

/** `warren order <id>`: an order and what has happened to it, now or up to an earlier moment. */
export async function showOrder(terminal: Terminal, id: string, { at, json }: OrderOptions): Promise<void> {
  const api = createOrderApi(addressOf('order', terminal.env));
  const { order, events } = await (at ? orderThen(api, id, at) : orderNow(api, id));
  terminal.out(json ? `${JSON.stringify({ order, events }, null, 2)}\n` : formatOrder(order, events));
}

interface OrderWithEvents {
  order: OrderView;
  events: readonly OrderEvent[];
}

async function orderNow(api: OrderApi, id: string): Promise<OrderWithEvents> {
  const [order, events] = await Promise.all([api.order(id), api.orderEvents(id)]);
  return { order, events };
}

/** Made from the events alone: the read model knows the present only. */
async function orderThen(api: OrderApi, id: string, moment: Moment): Promise<OrderWithEvents> {
  const events = eventsUpTo(id, await api.orderEvents(id), moment);
  return { order: orders.rowAt(events), events };
}

function eventsUpTo(id: string, events: readonly OrderEvent[], moment: Moment): readonly OrderEvent[] {
  if ('version' in moment) {
    if (moment.version <= events.length) return events.slice(0, moment.version);
    throw cliErrors.CLI_NOT_FOUND(`order ${id} has only come to version ${events.length}, not to ${moment.version}`);
  }
  const later = events.findIndex((event) => Date.parse(event.timestamp) > moment.timeMs);
  if (later !== 0) return later < 0 ? events : events.slice(0, later);
  const created = events[0]?.timestamp;
  throw cliErrors.CLI_NOT_FOUND(`there was no order ${id} at that time: it was created at ${created}`);
}

function formatOrder(order: OrderView, events: readonly OrderEvent[]): string {
  const facts: [string, string | number | undefined][] = [
    ['order', order.id],
    ['customer', order.customerId],
    ['status', order.reason === undefined ? order.status : `${order.status}: ${order.reason}`],
    ['total', order.totalAmount?.toFixed(2)],
    ['currency', order.currency],
    ['priority', order.priority],
    ['payment', order.paymentStatus],
    ['delivery', order.fulfillmentStatus],
    ['created', order.createdAt],
    ['updated', `${order.updatedAt} (version ${order.version})`],
  ];
  const known = facts.flatMap(([name, value]) =>
    value === undefined ? [] : `${name.padEnd(10)}${printable(value)}\n`,
  );
  return `${known.join('')}\n${formatItems(order)}\n${formatTimeline(events)}`;
}

function formatItems({ items }: OrderView): string {
  return formatTable(items, [
    { title: 'PRODUCT', value: (item) => item.productId },
    { title: 'QUANTITY', value: (item) => item.quantity, align: 'right' },
    { title: 'PRICE', value: (item) => item.price?.toFixed(2) ?? '-', align: 'right' },
  ]);
}
