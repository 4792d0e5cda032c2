import { connect } from 'amqp-connection-manager';
import { busBench, PREFETCH, serveConsuming } from '../bus-bench.ts';

await serveConsuming(async () => {
  const { url, queue } = busBench();
  const connection = connect([url], { connectionOptions: { noDelay: true } });
  await connection.connect();
  return async (onHandled) => {
    const channel = connection.createChannel({ confirm: false });
    const onMessage = (message: Parameters<typeof channel.ack>[0]) => {
      JSON.parse(message.content.toString());
      channel.ack(message);
      onHandled(1);
    };
    await channel.consume(queue, onMessage, { prefetch: PREFETCH });
    return () => channel.close();
  };
});
