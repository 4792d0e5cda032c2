import { OrderCreated } from '@shop/events/order';
import { EventBus } from '@warren/event-bus';
import { busBench, catalogue, PREFETCH, serveConsuming } from '../bus-bench.ts';

await serveConsuming(async () => {
  const { url, queue } = busBench();
  const bus = new EventBus({ url, service: 'bench', catalogue, topology: [] });
  await bus.connect();
  return async (onHandled) => {
    const batchHandler = async (deliveries: readonly unknown[]) => onHandled(deliveries.length);
    const subscription = await bus.subscribe({ queue, bindings: [OrderCreated], prefetch: PREFETCH, batchHandler });
    return () => subscription.cancel();
  };
});
