import { defineAlerts } from '@warren/kernel';

/** What the order service has to report. */
export const orderAlerts = defineAlerts({
  DEADLINE_HELD: {
    severity: 'warning',
    meaning: 'Orders are past their deadline and stay pending: an answer to them may still be on its way.',
    action:
      'Look at the reason. End a consumer of the answer queues that is no order service, or an order service that hangs; otherwise wait: they are confirmed or cancelled once the answers are settled.',
  },
});
