import { defineAlerts } from '@warren/kernel';

export const storeAlerts = defineAlerts({
  DATABASE_UNREACHABLE: {
    severity: 'degraded',
    meaning: 'No new session on the database can be had: it is away, starting or stopping, or the network is cut.',
    action: 'Bring back what the reason names. The service connects by itself.',
  },
  DATABASE_SESSIONS_LOST: {
    severity: 'warning',
    meaning: 'Sessions on the database ended that were in use or kept for use. What they were doing is tried again.',
    action:
      'Nothing after a restart or a failover. Else look for who ends them: an administrator, a proxy, or the server because a transaction of a hanging process did nothing.',
  },
  DATABASE_READ_ONLY: {
    severity: 'degraded',
    meaning: 'The database refuses every write.',
    action:
      'Point DATABASE_URL at the primary, or take default_transaction_read_only back. Sessions that refuse writes are discarded, so the service recovers by itself.',
  },
  DATABASE_CONNECTIONS_EXHAUSTED: {
    severity: 'degraded',
    meaning: 'The database accepts no more connections.',
    action:
      'Lower DATABASE_POOL_SIZE or the number of instances (each keeps up to three more for its relay and jobs), or raise max_connections or the limit of the role or database.',
  },
  DATABASE_POOL_EXHAUSTED: {
    severity: 'degraded',
    meaning: 'Every session of the pool of this service was in use for 5 s: requests or messages waited in vain.',
    action:
      'Look for slow statements and locks (pg_stat_activity). Raise DATABASE_POOL_SIZE only where the database has room.',
  },
  DATABASE_OUT_OF_RESOURCES: {
    severity: 'degraded',
    meaning: 'The database has no room: its disk, its memory or one of its limits is used up.',
    action: 'Free what the reason names. What was refused is tried again.',
  },
  DATABASE_LOGIN_REFUSED: {
    severity: 'degraded',
    meaning: 'The database refuses the login of this service.',
    action:
      'Correct user and password in DATABASE_URL and restart, or correct the role or pg_hba.conf: then it connects by itself.',
  },
  DATABASE_MISSING: {
    severity: 'degraded',
    meaning: 'The database that DATABASE_URL names does not exist on this server.',
    action: 'Correct DATABASE_URL and restart, or create the database: then the service connects by itself.',
  },
  DATABASE_RIGHT_MISSING: {
    severity: 'degraded',
    meaning: 'The role of this service lacks a right on something in the database.',
    action:
      'Grant it, or make the role the owner of its schema and of everything in it. What was refused is tried again.',
  },
  DATABASE_ACTIVITY_HIDDEN: {
    severity: 'warning',
    meaning: 'The role of this service cannot see the transactions of others: warren_store_horizon_age_seconds is NaN.',
    action: 'GRANT pg_read_all_stats to the role, or watch for old transactions in another way.',
  },
  PUBLISHING_HELD_BACK: {
    severity: 'degraded',
    meaning:
      'A transaction that is open for more than 10 s holds publishing back: nothing committed after its start goes out.',
    action:
      'End the session that the reason names (pg_terminate_backend, or ROLLBACK PREPARED), and set idle_in_transaction_session_timeout for all who use the cluster.',
  },
});
