import { connect } from 'amqplib';
import { busBench, PREFETCH, serveConsuming } from '../bus-bench.ts';

await serveConsuming(async () => {
  const { url, queue } = busBench();
  const connection = await connect(url, { noDelay: true });
  return async (onHandled) => {
    const channel = await connection.createChannel();
    await channel.prefetch(PREFETCH);
    await channel.consume(queue, (message) => {
      if (!message) throw new Error('the broker has cancelled the consumer');
      JSON.parse(message.content.toString());
      channel.ack(message);
      onHandled(1);
    });
    return () => channel.close();
  };
});
