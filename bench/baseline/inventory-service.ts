import { serveWorker } from '../harness/worker.ts';
import { BaselineBus } from './event-bus.ts';

interface Line {
  productId: string;
  quantity: number;
}

/** The article's inventory service: stock in memory, from `WARREN_BENCH_STOCK`. It has no tasks. */
await serveWorker(async () => {
  const { WARREN_BENCH_AMQP_URL: url, WARREN_BENCH_STOCK: initial = '' } = process.env;
  const bus = await BaselineBus.connect(String(url));
  const stock = new Map(
    initial.split(',').map((entry) => {
      const [productId = '', quantity] = entry.split(':');
      return [productId, Number(quantity)];
    }),
  );

  await bus.subscribeToEvent('orders', 'inventory_order_created', 'order.created', async ({ data }) => {
    const items = data.items as Line[];
    const orderId = data.id;
    if (!items.every(({ productId, quantity }) => (stock.get(productId) ?? 0) >= quantity)) {
      const refusal = { type: 'InventoryUnavailable', data: { orderId, items } };
      return bus.publishEvent('inventory', 'inventory.unavailable', refusal);
    }
    const reservations = items.map(({ productId, quantity }) => ({ productId, quantity }));
    for (const { productId, quantity } of reservations) stock.set(productId, (stock.get(productId) ?? 0) - quantity);
    return bus.publishEvent('inventory', 'inventory.reserved', {
      type: 'InventoryReserved',
      data: { orderId, reservations },
    });
  });
  return async () => undefined;
});
