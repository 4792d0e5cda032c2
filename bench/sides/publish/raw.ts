import { connect } from 'amqplib';
import { busBench, exchange, propertiesOf, routingKey, servePublishing } from '../bus-bench.ts';

await servePublishing(async () => {
  const connection = await connect(busBench().url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  return (event, done) => {
    const body = Buffer.from(JSON.stringify(event));
    channel.publish(exchange, routingKey, body, { ...propertiesOf(event), persistent: true }, done);
  };
});
