/**
 * Several instances of a service behind its one port: `node cluster-main.mjs <main.js> <instances>`. The instances share the listening
 * socket through this process, which hands each new connection to the next of them; the service's own code knows nothing of it. An
 * instance that dies is started again with backoff. SIGTERM drains all of them and ends with 0 when each of them did.
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
    // It never served: its settings or its port are wrong, and trying again would not help.
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
