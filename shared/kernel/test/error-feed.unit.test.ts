import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createErrorFeed, createLogger, kernelErrors, type LoggedError, silentLogger } from '../src/index.ts';

function feedOf(logger = silentLogger) {
  const { logger: watched, onError } = createErrorFeed(logger);
  const seen: LoggedError[] = [];
  onError((logged) => seen.push(logged));
  return { logger: watched, seen };
}

describe('createErrorFeed', () => {
  it('when errors are logged, then the listener receives each of them and nothing else', () => {
    const { logger, seen } = feedOf();
    const late = kernelErrors.COMPONENT_TIMEOUT('no answer within 5 ms');
    logger.warn({ err: late }, 'a warning');
    logger.error({ err: late, correlationId: 'c', component: 'bus' }, 'component did not stop cleanly');
    logger.error({ connection: 'order publish', code: 'BROKER_REFUSED' }, 'cannot connect');
    logger.fatal({ err: new Error('odd') }, 'uncaught exception');
    logger.error('a text alone');
    expect(seen).toEqual([
      { severity: 'error', message: 'component did not stop cleanly', error: late, correlationId: 'c' },
      { severity: 'error', message: 'cannot connect', code: 'BROKER_REFUSED' },
      { severity: 'fatal', message: 'uncaught exception', error: expect.objectContaining({ code: 'UNEXPECTED' }) },
      { severity: 'error', message: 'a text alone' },
    ]);
  });

  it("when a child logs an error, then the listener receives it too, and the line has the child's bindings", () => {
    const lines: string[] = [];
    const destination = new Writable({
      write: (chunk, _, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const { logger, seen } = feedOf(createLogger({ service: 'order', destination }));
    logger.child({ job: 'deadline' }).child({ round: 1 }).error({ orderId: 'o' }, 'failed');
    logger.info('beside it');
    expect(seen).toEqual([{ severity: 'error', message: 'failed' }]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', service: 'order', job: 'deadline', round: 1, orderId: 'o', msg: 'failed' },
      { level: 'info', service: 'order', msg: 'beside it' },
    ]);
  });
});
