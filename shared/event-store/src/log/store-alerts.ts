import { defineAlerts } from '@warren/kernel';

export const storeAlerts = defineAlerts({
  DATABASE_UNREACHABLE: {
    severity: 'degraded',
    meaning:
      'No new database session can be opened: the database is down, starting or stopping, or the network is cut.',
    action: 'Fix what the reason names. The service reconnects by itself.',
  },
  DATABASE_SESSIONS_LOST: {
    severity: 'warning',
    meaning: 'Database sessions ended that were in use or idle in the pool. Their work is retried.',
    action:
      'Nothing after a restart or a failover. Otherwise find out what ends the sessions: an administrator, a proxy, or the server because a hanging process left a transaction idle.',
  },
  DATABASE_READ_ONLY: {
    severity: 'degraded',
    meaning: 'The database rejects every write.',
    action:
      'Point DATABASE_URL at the primary, or reset default_transaction_read_only. Read-only sessions are discarded, so the service recovers by itself.',
  },
  DATABASE_CONNECTIONS_EXHAUSTED: {
    severity: 'degraded',
    meaning: 'The database accepts no more connections.',
    action:
      'Lower DATABASE_POOL_SIZE or the number of instances (each keeps up to three more connections for its relay and jobs), or raise max_connections or the limit of the role or database.',
  },
  DATABASE_POOL_EXHAUSTED: {
    severity: 'degraded',
    meaning: "Every session of this service's pool was in use for 5 s: requests or messages timed out waiting for one.",
    action:
      'Look for slow statements and locks (pg_stat_activity). Raise DATABASE_POOL_SIZE only if the database has capacity.',
  },
  DATABASE_OUT_OF_RESOURCES: {
    severity: 'degraded',
    meaning: 'The database is out of resources: its disk, its memory or one of its limits is exhausted.',
    action: 'Free what the reason names. Rejected work is retried.',
  },
  DATABASE_LOGIN_REFUSED: {
    severity: 'degraded',
    meaning: 'The database refuses the login of this service.',
    action:
      'Correct user and password in DATABASE_URL and restart, or correct the role or pg_hba.conf: then the service connects by itself.',
  },
  DATABASE_MISSING: {
    severity: 'degraded',
    meaning: 'The database that DATABASE_URL names does not exist on this server.',
    action: 'Correct DATABASE_URL and restart, or create the database: then the service connects by itself.',
  },
  DATABASE_RIGHT_MISSING: {
    severity: 'degraded',
    meaning: 'The role of this service lacks a permission in the database.',
    action:
      'Grant the permission, or make the role the owner of its schema and of everything in it. Rejected work is retried.',
  },
  DATABASE_ACTIVITY_HIDDEN: {
    severity: 'warning',
    meaning:
      'The role of this service cannot see the transactions of other roles: warren_store_horizon_age_seconds is NaN.',
    action: 'GRANT pg_read_all_stats to the role, or monitor old transactions in another way.',
  },
  PUBLISHING_HELD_BACK: {
    severity: 'degraded',
    meaning:
      'A transaction that has been open for more than 10 s blocks publishing: of what was committed after its start, only events of the leading instance are published, up to 2,000.',
    action:
      'End the session that the reason names (pg_terminate_backend, or ROLLBACK PREPARED), and set idle_in_transaction_session_timeout for every user of the cluster.',
  },
});
