import { defineErrors } from '@warren/kernel';

export const storeErrors = defineErrors({
  DATABASE_UNAVAILABLE: {
    kind: 'transient',
    meaning:
      'The database cannot be reached, is starting or stopping, or has no room. A transaction whose commit was under way may or may not be stored: try again under the same ids.',
  },
  DATABASE_REFUSED: {
    kind: 'transient',
    meaning:
      'The database refuses the service itself: its login, the database it names, or a right that it lacks. The log says which; try again once that is corrected.',
  },
  DATABASE_TIMEOUT: {
    kind: 'transient',
    meaning: 'A statement or the wait for a lock took longer than its limit and was rolled back. Try again.',
  },
  TRANSACTION_CONTENTION: {
    kind: 'transient',
    meaning: 'A transaction met a deadlock or a concurrent change at each of its tries and was rolled back. Try again.',
  },
  DATABASE_FAULT: {
    kind: 'fault',
    meaning:
      'The database refused a statement: a broken constraint, wrong SQL, a missing table. `details` name it; nothing was stored.',
  },
  APPEND_INVALID: {
    kind: 'fault',
    meaning:
      'A bug in the caller: two operations on one stream in one append, an expected version that is not a whole number from 0, or text that Postgres cannot store (U+0000, half a surrogate pair).',
  },
  AGGREGATE_CONTESTED: {
    kind: 'conflict',
    meaning: 'Others changed the same thing at each of several attempts. Look at it again, then try again.',
  },
  PRECONDITION_FAILED: {
    kind: 'conflict',
    meaning:
      'What was to be changed has none of the versions that `If-Match` names; `version` is the one that it has. Read it again, and decide again whether to change it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'refused',
    meaning: 'The Idempotency-Key was used before, for another request. Use a new key for each one.',
  },
  MESSAGE_ID_INVALID: {
    kind: 'invalid',
    meaning: 'A message whose id is not a UUID cannot be told from its copies, so it is not handled.',
  },
  MIGRATION_INVALID: {
    kind: 'fault',
    meaning: 'The migrations of a namespace are not numbered 1, 2, 3, … without gaps.',
  },
  MIGRATION_CHANGED: {
    kind: 'fault',
    meaning:
      'A migration that this database has already run was changed or renamed. Restore its text and put the change into a new migration.',
  },
  PROJECTION_NOT_REBUILDABLE: {
    kind: 'invalid',
    meaning:
      'The tables of the projection are not there, or something depends on them that a new table would not have: the message names it. Remove it and make it again afterwards.',
  },
  REBUILD_UNDER_WAY: {
    kind: 'conflict',
    meaning: 'Somebody rebuilds this projection at this moment. Wait until that has ended.',
  },
  REBUILD_OVERTAKEN: {
    kind: 'conflict',
    meaning:
      'The tables of the projection were altered while new ones were filled, by a migration for instance. Nothing was swapped: rebuild again.',
  },
  LOG_NOT_REPAIRED: {
    kind: 'conflict',
    meaning:
      'The log was restored from another server and still has its transaction ids. Start the service of the log: its relay repairs them.',
  },
});
