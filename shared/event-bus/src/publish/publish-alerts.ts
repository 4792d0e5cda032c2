import { defineAlerts } from '@warren/kernel';

/** Alerts about publishing. */
export const publishAlerts = defineAlerts({
  PUBLISH_REFUSED: {
    severity: 'degraded',
    meaning:
      'The broker refuses messages published to this exchange with this routing key: a queue bound to it is full, or the exchange is gone or not writable. Unpublished events are kept.',
    action:
      'If the reason names no exchange, find the full queue: `rabbitmqctl list_bindings source_name destination_name` shows which queues are bound to it, `rabbitmqctl list_queues name messages arguments policy` which of them has reached its `x-max-length` (or a `max-length` policy) with the overflow `reject-publish`. Empty the queue, raise its limit, or unbind it. Publishing resumes by itself.',
  },
  PUBLISH_UNANSWERED: {
    severity: 'degraded',
    meaning:
      'The broker does not confirm messages published to this exchange with this routing key: a queue bound to it has no leader or no majority, or the broker hangs. Unconfirmed events are kept.',
    action:
      'Run `rabbitmq-queues check_if_node_is_quorum_critical` and look for queues in the state `down` or `minority` in the management UI. Bring their nodes back, or delete the queue. Publishing resumes by itself.',
  },
  EVENT_UNROUTABLE: {
    severity: 'degraded',
    meaning:
      'No queue is bound to this exchange for this routing key, though one should be. Unpublished events are kept.',
    action:
      'Nothing, if a service of this system consumes it: its queue and binding are declared again within 30 s. Otherwise start the service that declares the queue. Publishing resumes by itself.',
  },
  BEST_EFFORT_REFUSED: {
    severity: 'warning',
    meaning:
      'The broker refuses or does not confirm best-effort events, such as those of `system`, of this exchange and routing key. They are dropped: nothing depends on them.',
    action: 'As for `PUBLISH_REFUSED`, `PUBLISH_UNANSWERED` or `EVENT_UNROUTABLE`: the reason says which.',
  },
  MESSAGE_STUCK: {
    severity: 'warning',
    meaning:
      'A failed message of this queue can be moved neither to a retry queue nor to the dead letters, and stays unacknowledged: its copy is larger than the broker accepts, or AMQP cannot express it.',
    action:
      "Raise the broker's `max_message_size` and restart the service, or remove the message from the queue in the management UI while the service is stopped.",
  },
});
