import { expect, test } from '@jest/globals';
import { NOTIFICATION_QUEUES } from '@warren/contracts';
import { notificationService } from '../src/service.ts';

test('when the service listens, then to the queues of the topology, bound as that says', () => {
  const subscribed = (notificationService.on ?? []).map(({ queue, contracts }) => ({
    queue,
    bindings: contracts.map(({ exchange, routingKey }) => ({ exchange, routingKey })),
  }));
  expect(subscribed).toEqual(NOTIFICATION_QUEUES);
});
