/**
 * What finds, starts and stops a broker, a database and services as processes of ours. The scripts import this file by its path before anything
 * is installed, so it needs nothing but Node.
 */
export * from './backoff.mjs';
export * from './child.mjs';
export * from './credentials.mjs';
export * from './explained-error.mjs';
export { signalGroup } from './guard.mjs';
export * from './poll.mjs';
export * from './ports.mjs';
export * from './postgres.mjs';
export { locatePostgres } from './postgres-binaries.mjs';
export * from './process-identity.mjs';
export * from './rabbitmq.mjs';
export { containerName } from './rabbitmq-docker.mjs';
export { locateRabbitmq, onPath } from './rabbitmq-programs.mjs';
export * from './run-command.mjs';
export * from './service.mjs';
