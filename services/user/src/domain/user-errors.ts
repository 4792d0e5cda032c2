import { defineErrors } from '@warren/kernel';

export const userErrors = defineErrors({
  USER_NOT_FOUND: { kind: 'not-found', meaning: 'There is no user with this id.' },
  USER_DEACTIVATED: {
    kind: 'conflict',
    meaning: 'The user is deactivated, which is for good. `state` says so. Register again instead.',
  },
  USER_CONTESTED: {
    kind: 'conflict',
    meaning: 'Others changed the same user at each of several tries. Look at the user, then try again.',
  },
  EMAIL_TAKEN: {
    kind: 'conflict',
    meaning: 'Another active user has this e-mail address, be it spelt with other capitals. Use another one.',
  },
});
