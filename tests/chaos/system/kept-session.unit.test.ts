import { EventEmitter } from 'node:events';
import { expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { ChannelModel } from 'amqplib';
import { end, endUnserved, keep, type Session } from './kept-session.ts';

it('when the broker never answers the close of a connection, then its socket is destroyed', async () => {
  let destroyed = false;
  const stream = { destroy: () => (destroyed = true) };
  const model = { close: () => new Promise(() => undefined), connection: { stream } };
  await end(model as unknown as ChannelModel, 1);
  expect(destroyed).toBe(true);
});

/** A session over a queue with so many messages and consumers; `ended` says whether its connection was closed. */
function createSession(queue = { messageCount: 0, consumerCount: 1 }) {
  const model = new EventEmitter();
  let ended = false;
  const lost = new Promise<void>((resolve) => model.once('close', () => resolve()));
  const close = async () => {
    ended = true;
    model.emit('close');
  };
  Object.assign(model, { close, connection: { stream: { destroy: () => undefined } } });
  const session = { model, channel: { checkQueue: async () => queue }, lost } as unknown as Session;
  return { session, isEnded: () => ended, lose: () => model.emit('close') };
}

it('when a session is lost as soon as it is open, then another one is opened without being asked for', async () => {
  const sessions: Session[] = [];
  const kept = keep(async () => {
    const { session, lose } = createSession();
    sessions.push(session);
    if (sessions.length === 1) lose();
    return session;
  });
  await kept.surely(async () => undefined);
  await waitUntil(() => sessions.length === 2);
  expect(await kept.surely(async (session) => session === sessions[1])).toBe(true);
  await kept.close();
});

it.each([
  ['nothing waits', { messageCount: 0, consumerCount: 1 }, false],
  ['messages wait and nothing comes', { messageCount: 3, consumerCount: 1 }, true],
  ['the broker knows no consumer', { messageCount: 0, consumerCount: 0 }, true],
])('when %s, then the session is ended or kept', async (_, queue, ends) => {
  const { session, isEnded, lose } = createSession(queue);
  let looks = 0;
  const { channel } = session;
  const count = channel.checkQueue.bind(channel);
  channel.checkQueue = (name) => {
    looks += 1;
    return count(name);
  };
  endUnserved(session, { queue: 'watched', delivered: () => 7, everyMs: 5 });
  await waitUntil(() => isEnded() || looks > 3);
  expect(isEnded()).toBe(ends);
  lose();
});

it('when messages wait and others come meanwhile, then the session is kept', async () => {
  const { session, isEnded, lose } = createSession({ messageCount: 3, consumerCount: 1 });
  let delivered = 0;
  const count = () => {
    delivered += 1;
    return delivered;
  };
  endUnserved(session, { queue: 'watched', delivered: count, everyMs: 5 });
  await waitUntil(() => delivered > 3);
  expect(isEnded()).toBe(false);
  lose();
});
