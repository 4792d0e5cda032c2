import { describe, expect, it } from '@jest/globals';
import { formats, isAppError, loadSettings, setting } from '../src/index.ts';

const spec = {
  port: setting({ env: 'PORT', doc: 'where it listens', format: formats.port, default: 3001 }),
  url: setting({ env: 'AMQP_URL', doc: 'the broker', format: formats.url('amqp:', 'amqps:'), secret: true }),
  level: setting({ env: 'LEVEL', doc: 'how much', format: formats.oneOf(['info', 'debug']), default: 'info' }),
  count: setting({ env: 'COUNT', doc: 'how many', format: formats.integer(1, 10), default: 5 }),
};

function faultsOf(env: Record<string, string>): { env: string; message: string }[] {
  try {
    loadSettings(spec, env);
  } catch (error) {
    if (isAppError(error)) return error.details.faults as { env: string; message: string }[];
  }
  return [];
}

describe('loadSettings', () => {
  it('when only the required settings are given, then the others have their defaults', () => {
    expect(loadSettings(spec, { AMQP_URL: 'amqp://h', LEVEL: '  ' })).toEqual({
      port: 3001,
      url: 'amqp://h',
      level: 'info',
      count: 5,
    });
  });

  it('when several settings are invalid, then all of them are reported at once', () => {
    const faults = faultsOf({ PORT: '70000', LEVEL: 'loud', COUNT: '1.5' });
    expect(faults.map((fault) => fault.env)).toEqual(['PORT', 'AMQP_URL', 'LEVEL', 'COUNT']);
    expect(faults[1]?.message).toBe('is required: the broker');
    expect(faults[2]?.message).toBe('must be one of info, debug, not "loud"');
  });

  it('when a secret is malformed, then its value is not shown', () => {
    const [fault] = faultsOf({ AMQP_URL: 'http://user:hunter2@h' });
    expect(fault?.message).toBe('must be a URL that starts with amqp:// or amqps://, not the given value');
  });

  it.each(['', '0x10', '1e3', ' 7 7', '-1', '11'])(
    'when a whole number from 1 to 10 is written %p, then it is rejected',
    (text) => {
      expect(() => formats.integer(1, 10)(text)).toThrow('must be a whole number from 1 to 10');
    },
  );
});
