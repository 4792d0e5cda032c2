import { defineErrors } from '@warren/kernel';

export const storeErrors = defineErrors({
  DATABASE_UNAVAILABLE: {
    kind: 'transient',
    meaning:
      'The database cannot be reached, is starting or stopping, or is out of resources. A transaction that was committing may or may not be stored: try again under the same ids.',
  },
  DATABASE_REFUSED: {
    kind: 'transient',
    meaning:
      'The database refuses the service itself: its login, the database name, or a missing permission. The log says which; fix it, then try again.',
  },
  DATABASE_TIMEOUT: {
    kind: 'transient',
    meaning: 'A statement or a wait for a lock exceeded its time limit and was rolled back. Try again.',
  },
  TRANSACTION_CONTENTION: {
    kind: 'transient',
    meaning: 'Each attempt at a transaction met a deadlock or a concurrent change and was rolled back. Try again.',
  },
  DATABASE_FAULT: {
    kind: 'fault',
    meaning:
      'The database rejected a statement: a violated constraint, invalid SQL, a missing table. `details` name it; nothing was stored.',
  },
  APPEND_INVALID: {
    kind: 'fault',
    meaning:
      'A bug in the caller: two operations on one stream in one append, an expected version that is not an integer from 0, or text that Postgres cannot store (U+0000, half a surrogate pair).',
  },
  AGGREGATE_CONTESTED: {
    kind: 'conflict',
    meaning:
      'Each of several attempts lost to a concurrent change of the same resource. Read it again, then try again.',
  },
  PRECONDITION_FAILED: {
    kind: 'conflict',
    meaning:
      'The current version of the resource, given as `version`, is not among those in `If-Match`. Read the resource again, then decide whether to change it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'refused',
    meaning: 'The Idempotency-Key was already used for a different request. Use a new key for each request.',
  },
  MESSAGE_ID_INVALID: {
    kind: 'invalid',
    meaning: 'The id of the message is not a UUID, so its duplicates cannot be detected. It is not handled.',
  },
  MIGRATION_INVALID: {
    kind: 'fault',
    meaning: 'The migrations of a namespace must be numbered 1, 2, 3, … without gaps.',
  },
  MIGRATION_CHANGED: {
    kind: 'fault',
    meaning:
      'A migration that this database has already applied was changed or renamed. Restore it and put the change into a new migration.',
  },
  PROJECTION_NOT_REBUILDABLE: {
    kind: 'invalid',
    meaning:
      'The tables of the projection are missing, or something depends on them that new tables would not have: the message names it. Remove the dependency and recreate it after the rebuild.',
  },
  REBUILD_UNDER_WAY: {
    kind: 'conflict',
    meaning: 'Another rebuild of this projection is running. Wait until it has finished.',
  },
  REBUILD_OVERTAKEN: {
    kind: 'conflict',
    meaning:
      'The tables of the projection were altered during the rebuild, for example by a migration. Nothing was swapped: rebuild again.',
  },
  LOG_NOT_REPAIRED: {
    kind: 'conflict',
    meaning:
      "The log was restored from another server and still has that server's transaction ids. Start the service that owns the log: its relay repairs them.",
  },
});
