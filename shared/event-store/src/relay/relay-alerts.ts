import { defineAlerts } from '@warren/kernel';

/** What the relay reports beside the bus's own alerts. */
export const relayAlerts = defineAlerts({
  EVENT_UNPUBLISHABLE: {
    severity: 'degraded',
    meaning:
      'An event cannot be published, whatever the broker does with others of its kind: it is too large, or this program does not know it. Later events of its stream wait behind it.',
    action:
      "Read `reason` in the table `parked_events`. Raise the broker's `max_message_size`, or deploy the version that knows the event. It is tried again by itself.",
  },
});
