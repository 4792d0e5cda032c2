/** The services, and the setting that says on which port each one listens. Those of the core run always, the others with `--all`. */
export const SERVICES = /** @type {const} */ ({
  order: { portSetting: 'ORDER_PORT', defaultPort: 3001, core: true },
  inventory: { portSetting: 'INVENTORY_PORT', defaultPort: 3002, core: true },
  user: { portSetting: 'USER_PORT', defaultPort: 3003, core: false },
  notification: { portSetting: 'NOTIFICATION_PORT', defaultPort: 3005, core: false },
  analytics: { portSetting: 'ANALYTICS_PORT', defaultPort: 3006, core: false },
  payment: { portSetting: 'PAYMENT_PORT', defaultPort: 3004, core: false },
});

/** @typedef {keyof typeof SERVICES} ServiceName */

/**
 * The services that run with or without `--all`.
 * @param {{all: boolean}} options
 */
export function servicesOf({ all }) {
  const names = /** @type {ServiceName[]} */ (Object.keys(SERVICES));
  return names.filter((name) => all || SERVICES[name].core);
}

/** The settings that the services and the scripts read from the environment. A test compares them with the services' own `config.ts`. */
export const SERVICE_SETTINGS = [
  'AMQP_URL',
  'DATABASE_POOL_SIZE',
  'DATABASE_STATEMENT_TIMEOUT_MS',
  'DATABASE_URL',
  'DATA_DIR',
  'BREAKER_FAILURES',
  'BREAKER_HALF_OPEN_MS',
  'BREAKER_RESET_MS',
  'DEAD_LETTER_MAX_LENGTH',
  'DEAD_LETTER_TTL_MS',
  'DRAIN_TIMEOUT_MS',
  'SHUTDOWN_DELAY_MS',
  'IDEMPOTENCY_KEY_KEEP_MS',
  'INBOX_KEEP_MS',
  'INITIAL_STOCK',
  'INVENTORY_PORT',
  'LOG_LEVEL',
  'MAX_BATCH',
  'MAX_WAITING_ORDERS',
  'MAX_FOLLOWERS',
  'ORDER_CREATED_VERSION',
  'ORDER_DEADLINE_MS',
  'ORDER_PORT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'PREFETCH',
  'RETRY_BASE_MS',
  'RETRY_MAX_ATTEMPTS',
  'STREAM_KEEP_MS',
  'USER_PORT',
  'NOTIFICATION_PORT',
  'SMTP_URL',
  'MAIL_FROM',
  'MAIL_HOLD_MS',
  'MAIL_PATIENCE_MS',
  'MAIL_GIVE_UP_MS',
  'MAIL_CATCHER_PORT',
  'MAIL_CATCHER_SMTP_PORT',
  'ANALYTICS_PORT',
  'ANALYTICS_UPDATE_EVERY_MS',
  'STREAM_MAX_AGE_MS',
  'STREAM_MAX_BYTES',
  'PAYMENTS',
  'PAYMENT_CONCURRENCY',
  'PAYMENT_GATEWAY_TIMEOUT_MS',
  'PAYMENT_GATEWAY_URL',
  'PAYMENT_PORT',
];

/**
 * An environment for tests: what a developer has set for the own `npm start` must not reach a service under test.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutServiceSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SERVICE_SETTINGS.includes(name)));
}
