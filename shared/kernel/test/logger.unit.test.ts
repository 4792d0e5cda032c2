import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from '../src/index.ts';

describe('createLogger', () => {
  it('when secrets are logged, then they are replaced, also one level down', () => {
    const lines: string[] = [];
    const destination = new Writable({
      write: (chunk, _, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const logger = createLogger({ service: 'order', destination });

    logger.info({ settings: { amqpUrl: 'amqp://u:p@h', port: 1 }, password: 'p', correlationId: 'c' }, 'hello');

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
});
