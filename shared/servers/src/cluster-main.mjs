/**
 * Runs several instances of a service behind one port: `node cluster-main.mjs <main.js> <instances>`. The instances share the listening
 * socket through this process, which passes each new connection to the next instance; the service's own code is not involved. An instance
 * that ends is restarted with backoff. SIGTERM drains all instances, and exits with 0 if each of them did.
 */
import cluster from 'node:cluster';
import { createBackoff } from './backoff.mjs';

const [, , exec = '', count = '1'] = process.argv;
const instances = Number(count);
let stopping = false;
let failed = false;

cluster.setupPrimary({ exec, args: [], execArgv: process.execArgv });

/** @param {number} index */
function start(index, backoff = createBackoff()) {
  const startedAt = Date.now();
  let listened = false;
  const worker = cluster.fork();
  worker.once('listening', () => {
    listened = true;
  });
  worker.once('exit', (code, signal) => {
    if (stopping) {
      failed ||= code !== 0;
      if (Object.keys(cluster.workers ?? {}).length === 0) process.exit(failed ? 1 : 0);
      return;
    }
    // The instance never served: its settings or its port are wrong, so a retry would not help.
    if (!listened && !everListened) process.exit(code || 1);
    const waitMs = backoff.next(Date.now() - startedAt);
    process.stderr.write(`instance ${index + 1} ended (${signal ?? code}), starts again in ${waitMs / 1000} s\n`);
    setTimeout(() => stopping || start(index, backoff), waitMs);
  });
}

let everListened = false;
cluster.on('listening', () => {
  everListened = true;
});

function stop() {
  stopping = true;
  const workers = Object.values(cluster.workers ?? {});
  if (workers.length === 0) process.exit(0);
  for (const worker of workers) worker?.process.kill('SIGTERM');
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

for (let index = 0; index < instances; index += 1) start(index);
