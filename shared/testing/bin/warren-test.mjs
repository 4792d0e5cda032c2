#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { ExplainedError } from '@warren/servers';
import { startTestBroker, startTestPostgres } from '@warren/testing';

/*
 * warren-test <command> [arguments]: runs the command with a private RabbitMQ and Postgres on free ports. The fixtures of @warren/testing
 * find them by environment variables. Exits with the exit code of the command, or with 128 plus the number of the
 * signal that ended it.
 */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write('Usage: warren-test <command> [arguments]\n');
  process.exit(2);
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let child;
/** @type {NodeJS.Signals | undefined} */
let stoppedBy;
// Before the servers start: they and their data must be removed whenever the signal arrives.
for (const name of /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM'])) {
  process.on(name, () => {
    stoppedBy = name;
    if (child) child.kill(name);
    else process.stderr.write('Stopping as soon as the servers have started …\n');
  });
}

const starting = /** @type {const} */ ([startTestBroker(), startTestPostgres()]);
try {
  const [broker, postgres] = await Promise.all(starting);
  if (stoppedBy) {
    process.exitCode = codeOf(stoppedBy);
  } else {
    const env = {
      ...process.env,
      WARREN_TEST_AMQP_URL: broker.amqpUrl,
      WARREN_TEST_MANAGEMENT_URL: broker.managementUrl,
      WARREN_TEST_DATABASE_URL: postgres.url,
    };
    child = spawn(command, args, { stdio: 'inherit', env });
    const [code, signal] = await once(child, 'exit');
    process.exitCode = code ?? codeOf(signal);
  }
} catch (error) {
  if (!(error instanceof ExplainedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  // Wait for both, otherwise one could come up after the other was closed.
  const started = await Promise.allSettled(starting);
  await Promise.all(started.map((server) => server.status === 'fulfilled' && server.value.close()));
}

/** As a shell gives it. @param {NodeJS.Signals} signal */
function codeOf(signal) {
  return 128 + constants.signals[signal];
}
