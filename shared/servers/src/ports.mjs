import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ExplainedError } from './explained-error.mjs';

/** Below the range that Linux and macOS use for outgoing connections, so that a port that is free now stays free. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** @type {Set<number>} */
const given = new Set();

/**
 * @param {number} port
 * @param {string} [host] the address that will be listened on; default all of them
 * @returns {Promise<boolean>}
 */
export function isPortFree(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Returns a port that nobody listens on and that this process has not returned before.
 * @param {number} [preferred] taken when it is free
 * @returns {Promise<number>}
 */
export async function findFreePort(preferred) {
  if (preferred !== undefined && !given.has(preferred) && (await isFreeEverywhere(preferred))) return give(preferred);
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (!given.has(port) && (await isFreeEverywhere(port))) return give(port);
  }
  throw new ExplainedError(
    `No free TCP port found between ${FIRST_PORT} and ${LAST_PORT}. Stop programs that listen there.`,
  );
}

/** @param {number} port @returns {Promise<boolean>} neither on all addresses nor on loopback alone, which macOS tells apart */
export async function isFreeEverywhere(port) {
  return (await isPortFree(port)) && (await isPortFree(port, '127.0.0.1'));
}

/** @param {number} port */
function give(port) {
  given.add(port);
  return port;
}
