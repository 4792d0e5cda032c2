import { defineAlerts } from '@warren/kernel';

/** The relay's alerts, in addition to those of the bus. */
export const relayAlerts = defineAlerts({
  EVENT_UNPUBLISHABLE: {
    severity: 'degraded',
    meaning:
      'An event cannot be published, although others of its kind may be: it is too large, or this program does not know it. Later events of its stream wait behind it.',
    action:
      "Read `reason` in the table `parked_events`. Raise the broker's `max_message_size`, or deploy a version that knows the event. The event is retried automatically.",
  },
});
