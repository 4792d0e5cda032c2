import { describe, expect, it } from '@jest/globals';
import { explainDeclareFailure } from '../src/amqp/connection-failure.ts';

const failure = (code: number, reason: string) =>
  Object.assign(new Error(`Operation failed: QueueDeclare; ${code} with message "${reason}"`), { code });

describe('a failed declaration', () => {
  it.each([
    [406, "PRECONDITION_FAILED - inequivalent arg 'x-max-age' for queue 'events'", 'TOPOLOGY_REFUSED'],
    [404, "NOT_FOUND - no exchange 'shop' in vhost '/'", 'TOPOLOGY_REFUSED'],
    [403, "ACCESS_REFUSED - access to queue 'events' refused", 'TOPOLOGY_REFUSED'],
    [
      404,
      "NOT_FOUND - home node 'warren@localhost' of durable queue 'events' in vhost '/' is down or inaccessible",
      'BROKER_UNAVAILABLE',
    ],
    [
      406,
      "PRECONDITION_FAILED - queue 'queue 'events' in vhost '/'' does not a have a replica on the local node",
      'BROKER_UNAVAILABLE',
    ],
    [320, 'CONNECTION_FORCED - broker forced connection closure', 'BROKER_UNAVAILABLE'],
  ])('when the broker answers %d, %s, then it is %s', (code, reason, meant) => {
    expect(explainDeclareFailure(failure(code, reason))).toMatchObject({ code: meant });
  });
});
