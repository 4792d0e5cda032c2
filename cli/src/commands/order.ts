import type { OrderView } from '@warren/contracts';
import type { Command } from 'commander';
import { addressOf } from '../addresses.ts';
import { createOrderApi, type OrderEvent } from '../order-api.ts';
import { formatTable, printable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { formatTimeline } from '../timeline.ts';

/** `warren order <id>`: an order and what has happened to it. */
export function addOrder(program: Command, terminal: Terminal): void {
  program
    .command('order')
    .description('show an order with its events')
    .argument('<id>', 'the id of the order')
    .option('--json', 'print {order, events}')
    .action(async (id: string, { json }: { json?: true }) => {
      const api = createOrderApi(addressOf('order', terminal.env));
      const [order, events] = await Promise.all([api.order(id), api.orderEvents(id)]);
      terminal.out(json ? `${JSON.stringify({ order, events }, null, 2)}\n` : formatOrder(order, events));
    });
}

function formatOrder(order: OrderView, events: readonly OrderEvent[]): string {
  const facts: [string, string | number | undefined][] = [
    ['order', order.id],
    ['customer', order.customerId],
    ['status', order.reason === undefined ? order.status : `${order.status}: ${order.reason}`],
    ['total', order.totalAmount?.toFixed(2)],
    ['currency', order.currency],
    ['priority', order.priority],
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
