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
