import { connect } from 'amqp-connection-manager';
import { busBench, exchange, propertiesOf, routingKey, servePublishing } from '../bus-bench.ts';

await servePublishing(async () => {
  const connection = connect([busBench().url], { connectionOptions: { noDelay: true } });
  const channel = connection.createChannel({ confirm: true, json: true });
  await channel.waitForConnect();
  return (event, done) => {
    channel.publish(exchange, routingKey, event, { ...propertiesOf(event), persistent: true }).then(() => done(), done);
  };
});
