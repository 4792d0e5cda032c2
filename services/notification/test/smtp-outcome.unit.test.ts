import { describe, expect, it } from '@jest/globals';
import { outcomeOf } from '../src/adapters/smtp/smtp-outcome.ts';

const failure = (facts: Record<string, string | number>) => Object.assign(new Error('what it said'), facts);

describe('what a failed try means', () => {
  it.each([
    ['the recipient is refused for good', { code: 'EENVELOPE', responseCode: 550, command: 'RCPT TO' }, 'refused'],
    ['the message is refused for good', { code: 'EMESSAGE', responseCode: 554, command: 'DATA' }, 'refused'],
    ['the recipient is put off', { code: 'EENVELOPE', responseCode: 450, command: 'RCPT TO' }, 'deferred'],
    ['the message is put off', { code: 'EMESSAGE', responseCode: 451, command: 'DATA' }, 'deferred'],
    ['the server closes down', { code: 'EENVELOPE', responseCode: 421, command: 'RCPT TO' }, 'unavailable'],
    ['the sender is refused', { code: 'EENVELOPE', responseCode: 550, command: 'MAIL FROM' }, 'unavailable'],
    [
      'the sender is refused with the recipient',
      {
        code: 'EENVELOPE',
        responseCode: 550,
        command: 'RCPT TO',
        response: '550 5.1.8 <a@b.c>: Sender address rejected',
      },
      'unavailable',
    ],
    [
      'the recipient is unknown',
      { code: 'EENVELOPE', responseCode: 550, command: 'RCPT TO', response: '550 5.1.1 <a@b.c>: Recipient rejected' },
      'refused',
    ],
    ['a login is wanted', { code: 'EENVELOPE', responseCode: 530, command: 'RCPT TO' }, 'unavailable'],
    ['the login is refused', { code: 'EAUTH', responseCode: 535, command: 'AUTH PLAIN' }, 'unavailable'],
    ['the greeting refuses', { code: 'EPROTOCOL', responseCode: 554, command: 'CONN' }, 'unavailable'],
    ['nobody listens', { code: 'ESOCKET', command: 'CONN' }, 'unavailable'],
    ['the connection breaks', { code: 'ECONNECTION', command: 'CONN' }, 'unavailable'],
    [
      'the greeting does not come',
      { code: 'ETIMEDOUT', command: 'CONN', timeoutType: 'GREETING_TIMEOUT' },
      'unavailable',
    ],
    ['an answer does not come', { code: 'ETIMEDOUT', command: 'CONN', timeoutType: 'SOCKET_TIMEOUT' }, 'unanswered'],
    ['the mail takes too long', { code: 'EABORT' }, 'unanswered'],
    ['the mail cannot be written', {}, 'deferred'],
  ])('when %s, then it is told apart', (_, facts, status) => {
    expect(outcomeOf(failure(facts))).toEqual({ status, answer: 'what it said' });
  });

  it('when the server says what cannot be stored, then the answer is without it', () => {
    const refused = { message: '550 no\u0000body \ud83d', responseCode: 550, command: 'RCPT TO' };
    expect(outcomeOf(failure(refused))).toEqual({ status: 'refused', answer: '550 no\uFFFDbody \uFFFD' });
  });
});
