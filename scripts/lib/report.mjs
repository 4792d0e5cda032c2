/**
 * What a script tells the person in front of it.
 * @typedef {object} Report
 * @property {(text: string) => void} say
 * @property {(text: string) => void} warn
 * @property {(text: string) => void} fail the one message of a failure
 * @property {<Result>(title: string, work: () => Promise<Result>) => Promise<Result>} step shows that something is going on, and how long it took
 */

const HEARTBEAT_MS = 5_000;

/**
 * @param {{out?: NodeJS.WritableStream, err?: NodeJS.WritableStream}} [streams]
 * @returns {Report}
 */
export function createReport({ out = process.stdout, err = process.stderr } = {}) {
  // A reader that has gone (`npm start | head`) is no reason to leave things half stopped.
  for (const stream of [out, err]) stream.on('error', () => undefined);
  const write = (/** @type {string} */ text) => void out.write(`${text}\n`);
  return {
    say: write,
    warn: (text) => void err.write(`! ${text}\n`),
    fail: (text) => void err.write(`\n✗ ${text}\n`),
    async step(title, work) {
      const startedAt = Date.now();
      const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
      write(`· ${title} …`);
      const heartbeat = setInterval(
        () => write(`  … ${title}, ${Math.round((Date.now() - startedAt) / 1000)} s`),
        HEARTBEAT_MS,
      );
      try {
        const result = await work();
        write(`✓ ${title} (${seconds()} s)`);
        return result;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}
