import { Connection } from 'rabbitmq-client';
import { busBench, PREFETCH, serveConsuming } from '../bus-bench.ts';

await serveConsuming(async () => {
  const { url, queue } = busBench();
  const connection = new Connection(url);
  await connection.onConnect();
  return async (onHandled) => {
    // It parses JSON and acknowledges by itself.
    const options = { queue, queueOptions: { passive: true }, qos: { prefetchCount: PREFETCH } };
    const consumer = connection.createConsumer(options, () => onHandled(1));
    return () => consumer.close();
  };
});
