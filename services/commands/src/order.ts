import type { OrderView } from '@shop/events/order-view';
import {
  addressOf,
  createJsonApi,
  eventsUpTo,
  findDeclared,
  formatJson,
  formatTable,
  formatTimeline,
  loadAggregates,
  printable,
} from '@warren/cli';
import type { Moment, Terminal } from '@warren/cli/usage';
import type { HistoryEntry } from '@warren/event-store';

export interface OrderOptions {
  at?: Moment;
  json?: true;
}

/** `warren order <id>`: an order and its events, now or as of an earlier moment. */
export async function showOrder(terminal: Terminal, id: string, { at, json }: OrderOptions): Promise<void> {
  const api = createOrderApi(addressOf({ api: 'order' }, terminal.env));
  const { order, events } = await (at ? orderThen(api, id, at, terminal.services) : orderNow(api, id));
  terminal.out(json ? formatJson({ order, events }) : formatOrder(order, events));
}

type OrderApi = ReturnType<typeof createOrderApi>;

function createOrderApi(baseUrl: string) {
  const api = createJsonApi(baseUrl, 'the order API');
  const path = (id: string) => `orders/${encodeURIComponent(id)}`;
  return {
    order: (id: string) => api.get<OrderView>(path(id), `order ${id}`),
    orderEvents: (id: string) => api.get<HistoryEntry[]>(`${path(id)}/events`, `order ${id}`),
  };
}

interface OrderWithEvents {
  order: OrderView;
  events: readonly HistoryEntry[];
}

async function orderNow(api: OrderApi, id: string): Promise<OrderWithEvents> {
  const [order, events] = await Promise.all([api.order(id), api.orderEvents(id)]);
  return { order, events };
}

/** Computed from the events, because the read model has only the current state. */
async function orderThen(api: OrderApi, id: string, moment: Moment, services: URL): Promise<OrderWithEvents> {
  const events = eventsUpTo(await api.orderEvents(id), moment, `order ${id}`);
  const { readModel } = findDeclared(await loadAggregates(services), {
    what: 'category',
    name: 'order',
    service: 'order',
  });
  return { order: readModel?.rowAt(events) as OrderView, events };
}

function formatOrder(order: OrderView, events: readonly HistoryEntry[]): string {
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
