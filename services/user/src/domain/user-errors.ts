import { defineErrors } from '@warren/kernel';

export const userErrors = defineErrors({
  USER_NOT_FOUND: { kind: 'not-found', meaning: 'There is no user with this id.' },
  USER_DEACTIVATED: {
    kind: 'conflict',
    meaning: 'The user is deactivated, which is permanent; `state` says so. Register again instead.',
  },
  USER_CONTESTED: {
    kind: 'conflict',
    meaning: 'The same user was changed concurrently on each of several attempts. Read the user again, then retry.',
  },
  EMAIL_TAKEN: {
    kind: 'conflict',
    meaning: 'Another active user has this email address, ignoring case. Use another one.',
  },
});
