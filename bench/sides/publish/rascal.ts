import { once } from 'node:events';
import { propertiesOf, servePublishing } from '../bus-bench.ts';
import { createRascalBroker } from '../rascal-broker.ts';

await servePublishing(async () => {
  const broker = await createRascalBroker();
  return (event, done) => {
    const { messageId, mandatory, ...properties } = propertiesOf(event);
    broker
      .publish('events', event, { options: { ...properties, messageId, mandatory, persistent: true } })
      .then((publication) => once(publication, 'success'))
      .then(() => done(), done);
  };
});
