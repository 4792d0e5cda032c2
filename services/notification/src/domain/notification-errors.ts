import { defineErrors } from '@warren/kernel';

export const notificationErrors = defineErrors({
  MAIL_TEMPLATE_INVALID: {
    kind: 'fault',
    meaning:
      'A template of the notification service is missing, has no subject, or asks for a value that its mail does not have. Correct the file that is named and start again.',
  },
});
