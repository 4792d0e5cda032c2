import { describe, expect, it } from '@jest/globals';
import { amqpTargetOf } from '../src/index.ts';

describe('an AMQP URL', () => {
  it('when its parts are percent-encoded, then they are decoded as UTF-8', () => {
    const url = `amqps://${encodeURIComponent('us@r:ü')}:${encodeURIComponent('p@ss%ü/1')}@[::1]:5671/${encodeURIComponent('a/ü')}`;
    expect(amqpTargetOf(url)).toMatchObject({
      protocol: 'amqps',
      hostname: '::1',
      port: 5671,
      username: 'us@r:ü',
      password: 'p@ss%ü/1',
      // As amqplib expects it.
      vhost: encodeURIComponent('a/ü'),
    });
  });

  it('when it has a query, then amqplib receives the parameters it knows', () => {
    expect(amqpTargetOf('amqp://h?heartbeat=3&frameMax=8192&channelMax=7&locale=de_DE')).toMatchObject({
      ...{ heartbeat: 3, frameMax: 8192, channelMax: 7, locale: 'de_DE' },
    });
    expect(amqpTargetOf('amqp://h?heartbeat=0', { heartbeatSeconds: 20 }).heartbeat).toBe(0);
    expect(amqpTargetOf('amqp://h', { heartbeatSeconds: 20 }).heartbeat).toBe(20);
  });

  it('when it has neither login nor virtual host, then the defaults apply', () => {
    const target = amqpTargetOf('amqp://h');
    expect(target).toMatchObject({ hostname: 'h', vhost: '%2F' });
    expect(target).not.toHaveProperty('username');
    expect(target).not.toHaveProperty('password');
  });
});
