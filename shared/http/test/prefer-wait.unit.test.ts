import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { honourWait } from '../src/prefer-wait.ts';

const req = { headers: { prefer: 'wait=20' } } as unknown as IncomingMessage;
const responseOf = (closed: boolean) => {
  const headers: Record<string, unknown> = {};
  const setHeader = (name: string, value: unknown) => void Object.assign(headers, { [name]: value });
  const res = { closed, once: () => undefined, off: () => undefined, setHeader } as unknown as ServerResponse;
  return { res, headers };
};

test('when the client has disconnected before its request was stored, then it takes no place among the waiting requests', async () => {
  let waiting = 0;
  const wait = async () => {
    waiting += 1;
    return 'later';
  };
  expect(await honourWait('now', { req, res: responseOf(true).res }, wait)).toBe('now');
  expect(waiting).toBe(0);
});

test('when no place is left, or the wait fails, then the answer is what is stored', async () => {
  const full = responseOf(false);
  expect(await honourWait('now', { req, res: full.res }, () => undefined)).toBe('now');
  expect(full.headers).toEqual({});
  const failing = responseOf(false);
  const fail = () => Promise.reject(new Error('the database is away'));
  expect(await honourWait('now', { req, res: failing.res }, fail)).toBe('now');
  expect(failing.headers).toEqual({ 'Preference-Applied': 'wait=20' });
});
