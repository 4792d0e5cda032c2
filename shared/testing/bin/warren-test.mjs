#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ExplainedError } from '@warren/servers';
import { startTestBroker, startTestPostgres } from '@warren/testing';

/*
 * warren-test <command> [arguments]: runs the command with a RabbitMQ and a Postgres of its own, on free ports. The fixtures of @warren/testing
 * find them by the environment. Exits with the code of the command.
 */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write('Usage: warren-test <command> [arguments]\n');
  process.exit(2);
}

const starting = /** @type {const} */ ([startTestBroker(), startTestPostgres()]);
try {
  const [broker, postgres] = await Promise.all(starting);
  const env = {
    ...process.env,
    WARREN_TEST_AMQP_URL: broker.amqpUrl,
    WARREN_TEST_MANAGEMENT_URL: broker.managementUrl,
    WARREN_TEST_DATABASE_URL: postgres.url,
  };
  const child = spawn(command, args, { stdio: 'inherit', env });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} catch (error) {
  if (!(error instanceof ExplainedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  // Both must have come to an end, else one would come up after the other was closed.
  const started = await Promise.allSettled(starting);
  await Promise.all(started.map((server) => server.status === 'fulfilled' && server.value.close()));
}
