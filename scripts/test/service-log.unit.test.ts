import { expect, test } from '@jest/globals';
import { createServiceLog } from '../lib/service-log.mjs';

function open() {
  const written: string[] = [];
  const log = createServiceLog({ name: 'order', write: (line) => written.push(line) });
  const json = (entry: object) =>
    log.onLine(
      JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', service: 'order', pid: 1, ...entry }),
      'stdout',
    );
  return { log, written, json };
}

test('when the service is not ready yet, then its lines are held back until it is', () => {
  const { log, written, json } = open();
  json({ msg: 'listening', port: 3001 });
  expect(written).toEqual([]);
  log.release();
  json({ msg: 'order created', orderId: 'a', durationMs: 1.2345 });
  expect(written).toEqual([
    expect.stringMatching(/^\d\d:\d\d:05 order {7}listening {2}port=3001$/),
    expect.stringMatching(/order created {2}orderId=a {2}durationMs=1\.2$/),
  ]);
});

test('when something goes wrong, then the line says how bad it is, and an error shows its stack', () => {
  const { log, written, json } = open();
  log.release();
  json({ level: 'warn', msg: 'slow', err: { message: 'late', stack: 'Error: late\n at here' } });
  json({ level: 'error', msg: 'broken', err: { message: 'gone', stack: 'Error: gone\n at there' } });
  expect(written).toEqual([
    expect.stringMatching(/WARN slow {2}late$/),
    expect.stringMatching(/ERROR broken {2}Error: gone\n at there$/),
  ]);
});

test('when a line is not JSON, then it is shown as it is', () => {
  const { log, written } = open();
  log.release();
  log.onLine('{ not json', 'stdout');
  expect(written[0]).toMatch(/order {7}\{ not json$/);
});

test('when it dies with words on standard error, then these are its last words', () => {
  const { log, json } = open();
  json({ level: 'fatal', msg: 'could not start' });
  log.onLine('invalid settings:', 'stderr');
  log.onLine('  LOG_LEVEL must be …', 'stderr');
  expect(log.lastWords()).toBe('invalid settings:\n  LOG_LEVEL must be …');
});

test('when it dies with errors in its log, then the last one with a reason is its last word', () => {
  const { log, json } = open();
  json({ level: 'error', msg: 'component failed to start', err: { message: 'listen EADDRINUSE' } });
  json({ level: 'fatal', msg: 'giving up' });
  expect(log.lastWords()).toBe('component failed to start: listen EADDRINUSE');
});
