import { defineAlerts } from '@warren/kernel';

/** What a bus has to report about its broker for as long as it lasts. */
export const busAlerts = defineAlerts({
  BROKER_AWAY: {
    severity: 'degraded',
    meaning: 'The broker cannot be reached: nothing is published or consumed.',
    action: 'Bring the broker back, or correct AMQP_URL. Everything goes on by itself; nothing is lost.',
  },
  BROKER_REFUSED: {
    severity: 'degraded',
    meaning: 'The broker refuses the connection: the login, the virtual host, a limit of connections, or its version.',
    action:
      'Correct AMQP_URL, the rights of its user or the limit that the reason names. It is tried every 5 s; no restart is needed.',
  },
  BROKER_BLOCKED: {
    severity: 'degraded',
    meaning: 'The broker reads nothing that is published: it is short of memory or disk.',
    action: 'Free memory or disk on the broker. Publishing goes on by itself.',
  },
  TOPOLOGY_REFUSED: {
    severity: 'degraded',
    meaning: 'The broker refuses an exchange, a queue or a binding that this service needs. Only what needs it waits.',
    action:
      'Correct what the reason names: delete what exists with another type or other arguments (drain a queue first), grant the right, raise the limit. It is tried again at least every 30 s; no restart is needed.',
  },
  OPTIONAL_TOPOLOGY_REFUSED: {
    severity: 'warning',
    meaning:
      'The broker refuses an exchange, a queue or a binding that only best-effort events or other services need.',
    action:
      'As for TOPOLOGY_REFUSED. Until then events that are told on a best-effort basis, such as those of `system`, are dropped.',
  },
  QUEUE_UNAVAILABLE: {
    severity: 'degraded',
    meaning: 'The broker knows a queue, but the node or the leader that serves it does not run.',
    action:
      'Bring the node back. Where it lasts after a crash of RabbitMQ 3.10, delete the queue: it is declared again by itself.',
  },
  QUEUE_NOT_CONSUMED: {
    severity: 'degraded',
    meaning: 'The connection stands, but the broker does not let this service consume one of its queues or streams.',
    action:
      'Correct what the reason names: the arguments of the queue, the right to read it, or its leader. It is tried again at least every 10 s; no restart is needed.',
  },
  QUEUE_WITHOUT_CONSUMER: {
    severity: 'warning',
    meaning: 'Messages wait in a queue that no service consumes.',
    action:
      'Start the service that consumes the queue. If it is not to run any more, delete the queue, and its messages with it.',
  },
  QUEUE_GONE: {
    severity: 'warning',
    meaning: 'A queue that this service had declared was gone, with its messages. It was declared again.',
    action:
      'Look for a policy that sets `expires` (`rabbitmqctl list_queues name effective_policy_definition`), or for whoever deletes it.',
  },
});
