/**
 * The output of a script for its user.
 * @typedef {object} Report
 * @property {(text: string) => void} say
 * @property {(text: string) => void} warn
 * @property {(text: string) => void} fail prints the one message about a failure
 * @property {<Result>(title: string, work: () => Promise<Result>) => Promise<Result>} step shows that work is in progress, and how long it took
 */

const HEARTBEAT_MS = 5_000;

/**
 * @param {{out?: NodeJS.WritableStream, err?: NodeJS.WritableStream}} [streams]
 * @returns {Report}
 */
export function createReport({ out = process.stdout, err = process.stderr } = {}) {
  // A reader that has gone away (`npm start | head`) must not interrupt an orderly stop.
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
