import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, type Logger } from '../src/index.ts';

/** Returns the lines that the work logs. */
function linesOf(work: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  work(createLogger({ service: 'order', destination }));
  return lines;
}

describe('createLogger', () => {
  it('when secrets are logged, then they are replaced, also one level down', () => {
    const lines = linesOf((logger) =>
      logger.info({ settings: { amqpUrl: 'amqp://u:p@h', port: 1 }, password: 'p', correlationId: 'c' }, 'hello'),
    );

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      service: 'order',
      correlationId: 'c',
      password: '[redacted]',
      settings: { amqpUrl: '[redacted]', port: 1 },
      msg: 'hello',
    });
    expect(lines[0]).not.toContain('u:p@h');
  });

  it('when secrets are in an error, in a list, in the fields of a child or in a message, then they are replaced', () => {
    const secret = 'amqp://u:p@h';
    const lines = linesOf((logger) => {
      logger.error({ err: Object.assign(new Error('refused'), { url: secret, code: 'REFUSED' }) }, 'failed');
      logger.info({ list: Object.assign(['a'], { password: secret }) });
      logger.child({ settings: { databaseUrl: secret, port: 1 }, cookie: secret }).info('child');
      logger.info('settings %j', { authorization: secret, broker: { password: secret }, port: 1 });
    });

    expect(lines).toHaveLength(4);
    expect(lines.join('')).not.toContain('u:p@h');
    expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ code: 'REFUSED', url: '[redacted]', message: 'refused' });
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ settings: { port: 1 }, cookie: '[redacted]', msg: 'child' });
    expect(JSON.parse(lines[3] ?? '').msg).toContain('"port":1');
  });

  it('when a line has values of every kind, then it is the JSON of these values', () => {
    const fields = {
      text: 'a "quote" \n\u2028 \ud800',
      none: '',
      zero: -0.5,
      on: true,
      nothing: null,
      list: [1],
      deep: { a: {} },
    };
    const [line = ''] = linesOf((logger) =>
      logger.info({ ...fields, lost: Number.NaN, absent: undefined }, 'a "message"'),
    );

    expect(JSON.parse(line)).toMatchObject({ ...fields, lost: null, msg: 'a "message"' });
    expect(line).not.toContain('absent');
  });
});
