import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { serveWorker } from '../harness/worker.ts';
import { BaselineBus, type BaselineEvent } from './event-bus.ts';

interface BaselineOrder {
  id: string;
  customerId: unknown;
  items: unknown;
  status: 'pending' | 'confirmed' | 'cancelled';
  createdAt: string;
  updatedAt?: string;
}

/** The article's order service: orders in memory. Its task, whatever it is, returns the port and how many orders have not ended. */
await serveWorker<unknown, { port: number; pending: number }>(async () => {
  const bus = await BaselineBus.connect(String(process.env.WARREN_BENCH_AMQP_URL));
  const orders = new Map<string, BaselineOrder>();
  let ended = 0;

  const end = (status: 'confirmed' | 'cancelled') => async (event: BaselineEvent) => {
    const order = orders.get(String(event.data.orderId));
    if (!order) throw new Error('Order not found');
    order.status = status;
    order.updatedAt = new Date().toISOString();
    const data = { orderId: order.id, status, updatedAt: order.updatedAt };
    await bus.publishEvent('orders', 'order.updated', { type: 'OrderStatusUpdated', data });
    ended += 1;
  };

  const app = express();
  app.use(express.json());
  app.post('/orders', async (req, res) => {
    const { customerId, items } = req.body;
    const createdAt = new Date().toISOString();
    const order: BaselineOrder = { id: randomUUID(), customerId, items, status: 'pending', createdAt };
    orders.set(order.id, order);
    await bus.publishEvent('orders', 'order.created', { type: 'OrderCreated', data: { ...order } });
    res.status(201).json(order);
  });

  await bus.subscribeToEvent('inventory', 'order_inventory_reserved', 'inventory.reserved', end('confirmed'));
  await bus.subscribeToEvent('inventory', 'order_inventory_unavailable', 'inventory.unavailable', end('cancelled'));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return async () => ({ port, pending: orders.size - ended });
});
