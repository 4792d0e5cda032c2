import { serveConsuming } from '../bus-bench.ts';
import { createRascalBroker } from '../rascal-broker.ts';

await serveConsuming(async () => {
  const broker = await createRascalBroker();
  return async (onHandled) => {
    const subscription = await broker.subscribe('events');
    // It parses JSON by itself.
    subscription.on('message', (_message, _content, ackOrNack) => {
      ackOrNack();
      onHandled(1);
    });
    return () => subscription.cancel();
  };
});
