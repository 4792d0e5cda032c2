import { defineErrors } from '@warren/kernel';

export const notificationErrors = defineErrors({
  MAIL_TEMPLATE_INVALID: {
    kind: 'fault',
    meaning:
      'A template of the notification service is missing, has no subject, or uses a value that its mail does not have. Correct the named file and start again.',
  },
});
