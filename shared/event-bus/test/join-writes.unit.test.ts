import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import type { ChannelModel } from 'amqplib';
import { joinWrites } from '../src/amqp/join-writes.ts';

/** A connection whose socket notes what each system call would send. */
function createConnection() {
  const calls: string[] = [];
  const stream = new Writable({
    highWaterMark: 4,
    write(chunk, _encoding, done) {
      calls.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join('+'));
      done();
    },
  });
  joinWrites({ connection: { stream } } as unknown as ChannelModel);
  return { stream, calls };
}

it('sends what is written in one turn with one call, and the next turn with another', async () => {
  const { stream, calls } = createConnection();
  for (const text of ['a', 'b', 'c']) stream.write(text);
  expect(calls).toEqual([]);
  await nextTurn();
  expect(calls).toEqual(['a+b+c']);
  stream.write('d');
  await nextTurn();
  expect(calls).toEqual(['a+b+c', 'd']);
});

it('tells when it is full, and when it is not any more', async () => {
  const { stream } = createConnection();
  let drained = 0;
  stream.on('drain', () => {
    drained += 1;
  });
  expect([stream.write('aa'), stream.write('bb')]).toEqual([true, false]);
  await nextTurn();
  expect(drained).toBe(1);
});

it('sends what is written while the socket is busy once the socket is free, in order', async () => {
  const calls: string[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      calls.push(String(chunk));
      waiting.push(done);
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join('+'));
      waiting.push(done);
    },
  });
  joinWrites({ connection: { stream } } as unknown as ChannelModel);
  stream.write('a');
  await nextTurn();
  stream.write('b');
  stream.write('c');
  await nextTurn();
  expect(calls).toEqual(['a']);
  waiting.shift()?.();
  await nextTurn();
  expect(calls).toEqual(['a', 'b+c']);
});

it('tells each writer when it is destroyed before anything is sent', async () => {
  const { stream, calls } = createConnection();
  const failures: unknown[] = [];
  stream.on('error', () => undefined);
  stream.write('a', (error) => failures.push(error?.message));
  stream.destroy(new Error('gone'));
  await nextTurn();
  expect([calls, failures]).toEqual([[], ['gone']]);
});

it('sends everything before it ends', async () => {
  const { stream, calls } = createConnection();
  stream.write('a');
  stream.end('b');
  await nextTurn();
  expect(calls).toEqual(['a+b']);
});
