import { get } from 'node:http';

/**
 * The management API of a broker.
 * @typedef {object} ManagementApi
 * @property {string} url without credentials, e.g. `http://127.0.0.1:15672`
 * @property {{user: string, password: string}} login
 */

/**
 * Checks whether the broker accepts AMQP connections and its virtual hosts run.
 * @param {ManagementApi} api @param {number} amqpPort as the broker sees it
 */
export async function isBrokerReady(api, amqpPort) {
  const checks = await Promise.all([
    isOk(api, `/api/health/checks/port-listener/${amqpPort}`),
    isOk(api, '/api/health/checks/virtual-hosts'),
  ]);
  return checks.every(Boolean);
}

/**
 * Sends one request on a separate connection: the broker's shutdown waits 5 s for connections that are kept open.
 * @param {ManagementApi} api @param {string} path @returns {Promise<boolean>}
 */
function isOk({ url, login }, path) {
  return new Promise((resolve) => {
    const request = get(
      url + path,
      { auth: `${login.user}:${login.password}`, agent: false, timeout: 5_000 },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode === 200));
      },
    );
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}

/** The management URL with the login in it, as programs want it. @param {ManagementApi} api */
export function managementUrl({ url, login }) {
  const full = new URL(url);
  full.username = login.user;
  full.password = login.password;
  return full.href.replace(/\/$/, '');
}
