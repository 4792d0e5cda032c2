import { Connection } from 'rabbitmq-client';
import { busBench, exchange, propertiesOf, routingKey, servePublishing } from '../bus-bench.ts';

await servePublishing(async () => {
  const connection = new Connection(busBench().url);
  const publisher = connection.createPublisher({ confirm: true });
  return (event, done) => {
    publisher.send({ ...propertiesOf(event), exchange, routingKey, durable: true }, event).then(() => done(), done);
  };
});
