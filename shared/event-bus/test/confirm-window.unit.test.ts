import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { ConfirmChannel } from 'amqplib';
import { ConfirmWindow } from '../src/amqp/confirm-window.ts';
import type { BrokerOutcome } from '../src/broker.ts';
import { encodeEvent } from '../src/event-codec.ts';
import type { OutgoingMessage } from '../src/message.ts';
import { Placed, placed } from './shop-events.ts';

/** A fake channel that records what is published and lets the test answer. */
class FakeChannel extends EventEmitter {
  readonly published: string[] = [];
  room = true;

  publish(_exchange: string, _routingKey: string, _body: Buffer, { messageId }: { messageId: string }): boolean {
    this.published.push(messageId);
    return this.room;
  }

  ack(deliveryTag: number, multiple = false): void {
    this.emit('ack', { deliveryTag, multiple });
  }
}

class TestMessage {
  readonly outcomes: BrokerOutcome[] = [];
  deadline = 0;
  returned: string | undefined;
  bestEffort = false;
  readonly message: OutgoingMessage = encodeEvent(placed(), Placed, true);

  settle(outcome: BrokerOutcome): void {
    this.outcomes.push(outcome);
  }
}

describe('confirm window', () => {
  let window: ConfirmWindow;
  let channel: FakeChannel;
  const attach = (fake: FakeChannel) => window.attach(fake as unknown as ConfirmChannel);
  const detach = (fake: FakeChannel, reason: string) => window.detach(fake as unknown as ConfirmChannel, reason);
  const add = (count: number) =>
    Array.from({ length: count }, () => {
      const pending = new TestMessage();
      window.add(pending);
      return pending;
    });
  const statuses = (messages: TestMessage[]) =>
    messages.map(({ outcomes }) => outcomes.map(({ status }) => status).join());

  beforeEach(() => {
    window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 60_000 });
    channel = new FakeChannel();
  });
  afterEach(() => window.close());

  test('when more is added than may be unconfirmed, then the rest waits and follows in order', () => {
    attach(channel);
    const messages = add(5);
    const ids = messages.map(({ message }) => message.properties.messageId);
    expect(channel.published).toEqual(ids.slice(0, 3));
    expect([window.unconfirmed, window.waiting]).toEqual([3, 2]);
    channel.ack(1);
    expect(channel.published).toEqual(ids.slice(0, 4));
    channel.ack(4, true);
    expect(channel.published).toEqual(ids);
    expect(statuses(messages)).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed', '']);
  });

  test('when confirms arrive out of order, then each settles its own message once', () => {
    attach(channel);
    const messages = add(3);
    channel.ack(2);
    channel.emit('nack', { deliveryTag: 1, multiple: false });
    channel.ack(2);
    channel.ack(3, true);
    expect(statuses(messages)).toEqual(['nacked', 'confirmed', 'confirmed']);
  });

  test('when a message is returned and then confirmed, then its outcome is returned, once', () => {
    attach(channel);
    const [first, second] = add(2) as [TestMessage, TestMessage];
    const { exchange, routingKey, properties } = second.message;
    channel.emit('return', { fields: { exchange, routingKey }, properties });
    channel.ack(2, true);
    expect(statuses([first, second])).toEqual(['confirmed', 'returned']);
  });

  test('when publish returns false, then nothing more is sent until drain, and nothing is sent twice', () => {
    attach(channel);
    channel.room = false;
    const messages = add(3);
    expect(channel.published).toHaveLength(1);
    channel.room = true;
    channel.emit('drain');
    expect(channel.published).toEqual(messages.map(({ message }) => message.properties.messageId));
  });

  test('when the channel ends, then the outcome of sent messages is unknown, and waiting ones go out on the next channel', () => {
    attach(channel);
    const messages = add(5);
    detach(channel, 'connection lost');
    expect(statuses(messages)).toEqual(['unknown', 'unknown', 'unknown', '', '']);
    const next = new FakeChannel();
    attach(next);
    channel.ack(1);
    expect(statuses(messages)).toEqual(['unknown', 'unknown', 'unknown', '', '']);
    next.ack(2, true);
    expect(statuses(messages).slice(3)).toEqual(['confirmed', 'confirmed']);
  });

  test('when an old channel ends, then the current one is unaffected', () => {
    const next = new FakeChannel();
    attach(next);
    const [pending] = add(1) as [TestMessage];
    detach(channel, 'lost');
    next.ack(1);
    expect(statuses([pending])).toEqual(['confirmed']);
  });

  test('when no confirm arrives in time, then the outcome is unknown, even without any channel', async () => {
    window.close();
    window = new ConfirmWindow({ maxUnconfirmed: 1, timeoutMs: 30 });
    attach(channel);
    const messages = add(2);
    await waitUntil(() => messages.every(({ outcomes }) => outcomes.length === 1));
    expect(statuses(messages)).toEqual(['unknown', 'unknown']);
    await window.flushed();
  });

  test('when a queue still rejects messages after a while, then the channel is replaced once nothing is in flight', async () => {
    let stale = 0;
    const onStale = () => {
      stale += 1;
    };
    window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 60_000, freshMs: 60_000, onStale });
    attach(channel);
    add(1);
    channel.emit('nack', { deliveryTag: 1, multiple: false });
    expect(stale).toBe(0);
    window.close();
    window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 60_000, freshMs: 0, onStale });
    channel = new FakeChannel();
    attach(channel);
    add(2);
    channel.emit('nack', { deliveryTag: 1, multiple: false });
    expect(stale).toBe(0);
    channel.ack(2);
    expect(stale).toBe(1);
  });

  test('when the channel was closed because of a large message, then that one is unsendable, and the next like it is not sent', () => {
    attach(channel);
    const messages = add(2);
    const [small, large] = messages as [TestMessage, TestMessage];
    large.message.body = Buffer.alloc(2000);
    detach(channel, '406: message size 2000 is larger than configured max size 1000');
    expect(statuses([small, large])).toEqual(['unknown', 'unsendable']);
    const next = new FakeChannel();
    attach(next);
    const again = Object.assign(new TestMessage(), { message: large.message });
    window.add(again);
    expect(next.published).toEqual([]);
    expect(statuses([again])).toEqual(['unsendable']);
    const reconnected = Object.assign(new FakeChannel(), { connection: {} });
    attach(reconnected);
    const later = Object.assign(new TestMessage(), { message: large.message });
    window.add(later);
    expect(reconnected.published).toHaveLength(1);
  });

  test('when the broker closes the channel because of one exchange, then messages to that exchange are at fault, and the rest is unknown', () => {
    attach(channel);
    const [mine, other] = add(2) as [TestMessage, TestMessage];
    other.message.exchange = 'elsewhere';
    detach(channel, "404 (NOT-FOUND) with message \"NOT_FOUND - no exchange 'elsewhere' in vhost '/'\"");
    expect(mine.outcomes[0]).not.toHaveProperty('routeFault');
    expect(other.outcomes[0]).toMatchObject({ status: 'unknown', routeFault: 'refused' });
  });

  test('when it is paused, then nothing is sent until it resumes', () => {
    attach(channel);
    window.pause(true);
    add(1);
    expect(channel.published).toEqual([]);
    window.pause(false);
    expect(channel.published).toHaveLength(1);
  });

  test('when the broker was blocked for part of the time, then a missing confirm is not a route fault', () => {
    jest.useFakeTimers();
    try {
      window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 40 });
      attach(channel);
      const [blocked] = add(1) as [TestMessage];
      jest.advanceTimersByTime(10);
      window.pause(true);
      jest.advanceTimersByTime(20);
      window.pause(false);
      jest.advanceTimersByTime(20);
      expect(blocked.outcomes).toEqual([{ status: 'unknown', reason: 'no confirm within 40 ms' }]);
      const [unanswered] = add(1) as [TestMessage];
      jest.advanceTimersByTime(50);
      expect(unanswered.outcomes).toMatchObject([{ status: 'unknown', routeFault: 'unanswered' }]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('when the client cannot encode a message, then it is unsendable, and the tags of the others stay correct', () => {
    attach(channel);
    const publish = channel.publish.bind(channel);
    channel.publish = () => {
      throw new TypeError('a header of an unknown type');
    };
    const [bad] = add(1) as [TestMessage];
    channel.publish = publish;
    const [good] = add(1) as [TestMessage];
    channel.ack(1);
    expect(statuses([bad, good])).toEqual(['unsendable', 'confirmed']);
  });

  test('when only best-effort messages are waiting or unconfirmed, then it is flushed, and their confirms still count', async () => {
    attach(channel);
    const news = Array.from({ length: 4 }, () => Object.assign(new TestMessage(), { bestEffort: true }));
    for (const pending of news) window.add(pending);
    await window.flushed();
    const [owed] = add(1) as [TestMessage];
    let flushed = false;
    const waiting = window.flushed().then(() => {
      flushed = true;
    });
    channel.ack(3, true);
    channel.ack(4);
    await Promise.resolve();
    expect({ flushed, statuses: statuses(news) }).toEqual({ flushed: false, statuses: Array(4).fill('confirmed') });
    channel.ack(5);
    await waiting;
    expect(statuses([owed])).toEqual(['confirmed']);
  });

  test('when it is closed, then every message is settled, including later ones', async () => {
    attach(channel);
    const messages = add(5);
    window.close();
    messages.push(...add(1));
    expect(statuses(messages)).toEqual(Array(6).fill('unknown'));
    await window.flushed();
  });
});
