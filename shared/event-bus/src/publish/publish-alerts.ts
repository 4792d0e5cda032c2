import { defineAlerts } from '@warren/kernel';

/** What the bus reports of its publishing. */
export const publishAlerts = defineAlerts({
  PUBLISH_REFUSED: {
    severity: 'degraded',
    meaning:
      'The broker refuses what is published to this exchange with this routing key: a queue bound to it is full, or the exchange is gone or may not be written to. What is not published is kept.',
    action:
      'Where the reason names no exchange, find the full queue: `rabbitmqctl list_bindings source_name destination_name` tells which queues are bound to it, `rabbitmqctl list_queues name messages arguments policy` which of them has reached its `x-max-length` (or a `max-length` policy) with the overflow `reject-publish`. Empty it, raise its limit, or unbind it. Everything flows again by itself.',
  },
  PUBLISH_UNANSWERED: {
    severity: 'degraded',
    meaning:
      'The broker does not confirm what is published to this exchange with this routing key: a queue bound to it has no leader or no majority, or the broker hangs. What is not confirmed is kept.',
    action:
      'Run `rabbitmq-queues check_if_node_is_quorum_critical` and look for queues in the state `down` or `minority` in the management UI. Bring their nodes back, or delete the queue. Everything flows again by itself.',
  },
  EVENT_UNROUTABLE: {
    severity: 'degraded',
    meaning:
      'No queue is bound to this exchange for this routing key, though one should be. What is not published is kept.',
    action:
      'Nothing if a service of this system consumes it: its queue and binding are declared again within 30 s. Otherwise start the service that declares the queue. Everything flows again by itself.',
  },
  NEWS_REFUSED: {
    severity: 'warning',
    meaning:
      'The broker refuses or does not confirm system events of this exchange and routing key. They are dropped: nothing depends on them.',
    action: 'As for `PUBLISH_REFUSED`, `PUBLISH_UNANSWERED` or `EVENT_UNROUTABLE`: the reason says which.',
  },
  MESSAGE_STUCK: {
    severity: 'warning',
    meaning:
      'A failed message of this queue can be moved neither to a retry queue nor to the dead letters, and stays unacknowledged: its copy is larger than the broker takes, or AMQP cannot express it.',
    action:
      "Raise the broker's `max_message_size` and restart the service, or take the message out of the queue in the management UI while the service is stopped.",
  },
});
