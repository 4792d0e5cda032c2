import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { Client } from 'pg';
import { createWakeUp } from '../src/relay/wake-up.ts';

/** A session whose notifications are answered one by one, and what they said. */
function createSession() {
  const told: string[] = [];
  const answers: ((failure?: Error) => void)[] = [];
  const client = Object.assign(new EventEmitter(), {
    query: (text: string, values: string[]) => {
      if (!text.includes('pg_notify')) return Promise.resolve({ rows: [{ channel: 'c' }] });
      told.push(values[1] ?? '');
      return new Promise<void>((resolve, reject) => {
        answers.push((failure) => (failure ? reject(failure) : resolve()));
      });
    },
  });
  return {
    told,
    client: client as unknown as Client & EventEmitter,
    answer: (failure?: Error) => answers.shift()?.(failure),
  };
}

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 20));

test('when many commits follow each other, then one call is under way at a time, and the last one names the newest transaction', async () => {
  const { told, client, answer } = createSession();
  const wakeUp = createWakeUp({ relay: 'outbox', logger: silentLogger });
  await wakeUp.use(client);
  for (const tx of [1n, 3n, 2n]) wakeUp.call(tx);
  expect(told).toEqual(['1']);
  answer();
  await waitUntil(() => told.length === 2);
  expect(told).toEqual(['1', '3']);
  answer();
  await aMoment();
  expect(told).toHaveLength(2);
});

test('when there is no session, or it is lost, then the call is made on the next one', async () => {
  const [lost, next] = [createSession(), createSession()];
  const wakeUp = createWakeUp({ relay: 'outbox', logger: silentLogger });
  wakeUp.call(1n);
  await wakeUp.use(lost.client);
  await waitUntil(() => lost.told.length === 1);
  lost.client.emit('end');
  lost.answer(new Error('the session is lost'));
  wakeUp.call(2n);
  await aMoment();
  await wakeUp.use(next.client);
  await waitUntil(() => next.told.length === 1);
  expect([lost.told, next.told]).toEqual([['1'], ['2']]);
});

test('when a call names no transaction, then it is still a call', async () => {
  const { client } = createSession();
  const wakeUp = createWakeUp({ relay: 'outbox', logger: silentLogger });
  await wakeUp.use(client);
  const calls: (bigint | undefined)[] = [];
  await wakeUp.listen((tx) => calls.push(tx));
  for (const payload of ['7', '', 'x']) client.emit('notification', { payload });
  expect(calls).toEqual([7n, undefined, undefined]);
});
