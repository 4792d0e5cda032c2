import { EventBus } from '@warren/event-bus';
import { busBench, catalogue, exchange, MAX_UNCONFIRMED, routingKey, servePublishing } from '../bus-bench.ts';

await servePublishing(async () => {
  const { url, queue } = busBench();
  const topology = [{ queue, bindings: [{ exchange, routingKey }] }];
  const bus = new EventBus({ url, service: 'bench', catalogue, topology, maxUnconfirmed: MAX_UNCONFIRMED });
  await bus.connect();
  return (event, done) => {
    bus.publish(event).then(done, done);
  };
});
