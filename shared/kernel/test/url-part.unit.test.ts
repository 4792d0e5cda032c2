import { describe, expect, it } from '@jest/globals';
import { decodeUrlPart, formats } from '../src/index.ts';

describe('a part of a URL', () => {
  it.each([
    ['p%40ss%25%C3%BC%2F1', 'p@ss%ü/1'],
    ['100%', '100%'],
    ['p%ss%C3%BC', 'p%ssü'],
    ['a+b', 'a+b'],
    ['', ''],
  ])('when it is %p, then it means %p', (part, meant) => {
    expect(decodeUrlPart(part)).toBe(meant);
  });

  it('when it is encoded in anything but UTF-8, then it is rejected with the correct form', () => {
    expect(() => decodeUrlPart('p%FC')).toThrow('percent-encoded as UTF-8');
  });

  it.each(['amqp://u%FC@h', 'amqp://u:p%FC@h', 'amqp://h/v%FC'])(
    'when a setting is %p, then it is rejected at start-up, and its value is not shown',
    (text) => {
      expect(() => formats.url('amqp:')(text)).toThrow(
        /^must have its user, password, and path percent-encoded as UTF-8/,
      );
    },
  );
});
