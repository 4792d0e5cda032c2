import { shopCatalogue } from '@shop/events/catalogue';
import { OrderStatusUpdated } from '@shop/events/order';
import { EventBus } from '@warren/event-bus';

// A service as small as it can be: it says which orders it has handled, and dies of one of them as of a segmentation fault.
const [queue = '', killer = ''] = process.argv.slice(2);
const bus = new EventBus({
  url: String(process.env.AMQP_URL),
  service: 'poisoned',
  topology: [],
  catalogue: shopCatalogue,
});
await bus.connect();
await bus.subscribe({
  queue,
  bindings: [OrderStatusUpdated],
  handler: async ({ aggregateId }) => {
    if (aggregateId === killer) process.kill(process.pid, 'SIGKILL');
    process.stdout.write(`${aggregateId}\n`);
  },
});
process.once('SIGTERM', () => void bus.close());
