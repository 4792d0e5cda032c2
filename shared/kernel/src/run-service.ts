import { isAppError } from './errors.ts';
import type { Lifecycle, StopOptions } from './lifecycle.ts';
import type { Logger } from './logger.ts';

/** A program that runs as a process; see {@link runService}. */
export interface Service {
  lifecycle: Lifecycle;
  logger: Logger;
}

/**
 * Runs a service as this process: composes it, starts it, and drains it on SIGTERM or SIGINT after its `shutdownDelayMs`. The exit code is
 * 0 after a clean drain, and 1 when a setting is invalid, the start fails or the drain takes too long. A second signal ends the process at
 * once.
 */
export async function runService(compose: () => Service): Promise<void> {
  let service: Service;
  try {
    service = compose();
  } catch (error) {
    process.stderr.write(`${isAppError(error) ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
    return;
  }
  const { lifecycle, logger } = service;

  async function stop(reason: string, options?: StopOptions): Promise<void> {
    if (lifecycle.state === 'stopping') process.exit(1);
    logger.info({ reason }, 'stopping');
    try {
      await lifecycle.stop(options);
      logger.info('stopped');
      process.exit(process.exitCode ?? 0);
    } catch (err) {
      logger.fatal({ err }, 'did not stop cleanly');
      process.exit(1);
    }
  }

  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'uncaught exception');
    process.exitCode = 1;
    void stop('uncaught exception', { atOnce: true });
  });

  try {
    await lifecycle.start();
    logger.info('ready');
  } catch (err) {
    if (lifecycle.state === 'stopping') return;
    logger.fatal({ err }, 'could not start');
    process.exit(1);
  }
}
