import { describe, expect, it } from '@jest/globals';
import { createValidator, EmailAddress } from '../src/index.ts';

const email = createValidator(EmailAddress);
const domainOf = (length: number): string => 'd'.repeat(60).concat('.').repeat(5).slice(0, length);

describe('EmailAddress', () => {
  it.each([
    'user@example.com',
    'User.Name+tag@sub.example.co.uk',
    "o'brien@example.com",
    'root@localhost',
    'a@b',
    '{|}~`^=?_-@x.y',
    'post@xn--bcher-kva.example',
    `${'l'.repeat(64)}@${domainOf(189)}`,
  ])('when it validates %s, then the address is accepted', (address) => {
    expect(email.faults(address)).toEqual([]);
  });

  it.each([
    '',
    'user',
    '@example.com',
    'user@',
    'user@@example.com',
    'user@example..com',
    'user@.example.com',
    'user@example.com.',
    'user@-example.com',
    'user@example-.com',
    'us er@example.com',
    ' user@example.com',
    'user@example.com\n',
    'user@example.com\r\nBcc: all@example.com',
    '"user"@example.com',
    'User <user@example.com>',
    'zoë@example.com',
    'user@bücher.example',
    'a,b@example.com',
    `${'l'.repeat(65)}@example.com`,
    `user@${'d'.repeat(64)}.com`,
    `${'l'.repeat(64)}@${domainOf(190)}`,
    null,
    42,
    ['user@example.com'],
  ])('when it validates %j, then the address is rejected', (address) => {
    expect(email.is(address)).toBe(false);
  });

  it('when it validates 98 kB that look like an address, then it reports one fault without backtracking', () => {
    expect(email.faults(`${'a'.repeat(64)}@${'a-'.repeat(49_000)}`)).toEqual([
      { path: '', message: 'must be an e-mail address of at most 254 characters' },
    ]);
  });
});
