import { defineAlerts } from '@warren/kernel';

/** The alerts of a bus about its broker. */
export const busAlerts = defineAlerts({
  BROKER_AWAY: {
    severity: 'degraded',
    meaning: 'The broker cannot be reached: nothing is published or consumed.',
    action: 'Bring the broker back, or correct AMQP_URL. Everything resumes by itself; nothing is lost.',
  },
  BROKER_REFUSED: {
    severity: 'degraded',
    meaning: 'The broker refuses the connection: the login, the virtual host, a limit of connections, or its version.',
    action:
      'Correct AMQP_URL, the permissions of its user or the limit that the reason names. The service retries every 5 s; no restart is needed.',
  },
  BROKER_BLOCKED: {
    severity: 'degraded',
    meaning: 'The broker has stopped reading published messages: it is short of memory or disk.',
    action: 'Free memory or disk on the broker. Publishing resumes by itself.',
  },
  TOPOLOGY_REFUSED: {
    severity: 'degraded',
    meaning:
      'The broker refuses an exchange, a queue or a binding that this service needs. Only work that depends on it waits.',
    action:
      'Correct what the reason names: delete what exists with another type or other arguments (drain a queue first), grant the permission, raise the limit. The service retries at least every 30 s; no restart is needed.',
  },
  OPTIONAL_TOPOLOGY_REFUSED: {
    severity: 'warning',
    meaning:
      'The broker refuses an exchange, a queue or a binding that only best-effort events or other services need.',
    action: 'As for TOPOLOGY_REFUSED. Until then best-effort events, such as those of `system`, are dropped.',
  },
  QUEUE_UNAVAILABLE: {
    severity: 'degraded',
    meaning: 'The broker knows a queue, but the node or the leader that serves it is down.',
    action:
      'Bring the node back. If this persists after a crash of RabbitMQ 3.10, delete the queue: the service declares it again by itself.',
  },
  QUEUE_NOT_CONSUMED: {
    severity: 'degraded',
    meaning: 'The connection is up, but the broker does not let this service consume one of its queues or streams.',
    action:
      'Correct what the reason names: the arguments of the queue, the permission to read it, or its leader. The service retries at least every 10 s; no restart is needed.',
  },
  QUEUE_WITHOUT_CONSUMER: {
    severity: 'warning',
    meaning: 'Messages wait in a queue that no service consumes.',
    action:
      'Start the service that consumes the queue. If the service is retired, delete the queue together with its messages.',
  },
  QUEUE_GONE: {
    severity: 'warning',
    meaning:
      'A queue that this service had declared was gone, together with its messages. The service declared it again.',
    action:
      'Look for a policy that sets `expires` (`rabbitmqctl list_queues name effective_policy_definition`), or for a person or program that deletes the queue.',
  },
});
