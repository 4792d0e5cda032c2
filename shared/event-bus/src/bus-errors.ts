import { defineErrors } from '@warren/kernel';

export const busErrors = defineErrors({
  PUBLISH_RETURNED: {
    kind: 'fault',
    meaning:
      'The broker accepted the event, but no queue took it, although one should have. Look for a missing binding.',
  },
  PUBLISH_NACKED: {
    kind: 'transient',
    meaning:
      'A queue rejected the event: it is full, or the broker has an internal error. Publish the event again under the same id; other queues may already have it.',
  },
  PUBLISH_UNKNOWN: {
    kind: 'transient',
    meaning:
      'The connection was lost or the time ran out before the confirm arrived. Publish the event again under the same id.',
  },
  BUS_OVERLOADED: {
    kind: 'transient',
    meaning: 'More events are waiting to be published than `maxWaiting` allows. Publish more slowly, or later.',
  },
  BUS_CLOSED: {
    kind: 'transient',
    meaning: 'The bus is closed or closing and accepts no new events or subscriptions.',
  },
  BUS_OPTIONS_INVALID: {
    kind: 'invalid',
    meaning: 'An option of the bus or of a subscription is out of range; the message says which.',
  },
  BROKER_UNAVAILABLE: {
    kind: 'transient',
    meaning: 'The broker cannot be reached. The bus keeps trying and recovers by itself once the broker is back.',
  },
  BROKER_REFUSED: {
    kind: 'invalid',
    meaning:
      'The broker refuses the login, the virtual host or another connection. Correct AMQP_URL, the permissions of its user, or the limit.',
  },
  BROKER_UNSUPPORTED: {
    kind: 'invalid',
    meaning: 'The broker is older than RabbitMQ 3.10 and has no at-least-once dead letters. Upgrade it.',
  },
  TOPOLOGY_REFUSED: {
    kind: 'fault',
    meaning:
      'A queue or exchange exists with other arguments, or the login may not declare it. Correct what the message names; the bus declares it again by itself.',
  },
  BREAKER_OPEN: {
    kind: 'transient',
    meaning:
      'The handler was not called, because most recent calls failed with a dependency away. The message is retried later.',
  },
  DEAD_LETTER_QUEUE_MISSING: {
    kind: 'not-found',
    meaning: 'The queue has no dead-letter queue: its name is wrong, or no service has declared it yet.',
  },
  SUBSCRIPTION_DUPLICATE: {
    kind: 'fault',
    meaning: 'This bus already consumes the queue. Raise `concurrency` instead of subscribing twice.',
  },
  EVENT_NOT_IN_CATALOGUE: {
    kind: 'invalid',
    meaning: "The event to publish is not in the bus's catalogue. Add its contract to the catalogue.",
  },
  MESSAGE_NOT_JSON: { kind: 'invalid', meaning: 'The body of the message is not JSON in UTF-8.' },
  EVENT_TEXT_INVALID: {
    kind: 'invalid',
    meaning:
      'A string of the event contains U+0000 or half a surrogate pair, which Postgres cannot store; the message says where. Correct the producer.',
  },
  MESSAGE_TOO_LARGE: {
    kind: 'invalid',
    meaning: 'The event is larger than 16 MiB, which RabbitMQ 4 refuses. Publish a reference to the data instead.',
  },
  MESSAGE_UNSENDABLE: {
    kind: 'invalid',
    meaning:
      "The message can never be published: AMQP cannot express it, or it is larger than the broker's `max_message_size`. The message says which.",
  },
  HANDLER_MISSING: {
    kind: 'invalid',
    meaning:
      'The event is valid, but this subscription does not handle its type or version. Its dead letter says `skipped`.',
  },
});
