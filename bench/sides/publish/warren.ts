import { EventBus } from '@warren/event-bus';
import { serveSide } from '../../harness/side-process.ts';
import {
  benchEvent,
  catalogue,
  MAX_UNCONFIRMED,
  openBusBench,
  perSecond,
  prepareQueue,
  publishMany,
} from '../bus-bench.ts';

const { url, messages, exchange, routingKey, queue: name } = openBusBench('publish_warren');

await serveSide(async () => {
  const queue = await prepareQueue({ url, messages, exchange, routingKey, queue: name });
  const topology = [{ queue: name, bindings: [{ exchange, routingKey }] }];
  const bus = new EventBus({ url, service: 'bench', catalogue, topology: [], maxUnconfirmed: MAX_UNCONFIRMED });
  await bus.connect();
  return async () => {
    await queue.empty();
    return perSecond(messages, () => publishMany(messages, () => bus.publish(benchEvent())));
  };
});
