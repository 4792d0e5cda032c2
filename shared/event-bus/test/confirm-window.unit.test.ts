import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { ConfirmChannel } from 'amqplib';
import { ConfirmWindow } from '../src/amqp/confirm-window.ts';
import type { PostOutcome } from '../src/broker.ts';
import { encodeEvent } from '../src/event-codec.ts';
import type { OutgoingMessage } from '../src/message.ts';
import { Placed, placed } from './shop-events.ts';

/** Stands for a channel: notes what is published, and lets the test answer. */
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

class TestPosting {
  readonly outcomes: PostOutcome[] = [];
  deadline = 0;
  returned: string | undefined;
  expendable = false;
  readonly message: OutgoingMessage = encodeEvent(placed(), Placed, true);

  settle(outcome: PostOutcome): void {
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
      const posting = new TestPosting();
      window.add(posting);
      return posting;
    });
  const statuses = (postings: TestPosting[]) =>
    postings.map(({ outcomes }) => outcomes.map(({ status }) => status).join());

  beforeEach(() => {
    window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 60_000 });
    channel = new FakeChannel();
  });
  afterEach(() => window.close());

  test('when more is added than may be unconfirmed, then the rest waits and follows in order', () => {
    attach(channel);
    const postings = add(5);
    const ids = postings.map(({ message }) => message.properties.messageId);
    expect(channel.published).toEqual(ids.slice(0, 3));
    expect([window.unconfirmed, window.waiting]).toEqual([3, 2]);
    channel.ack(1);
    expect(channel.published).toEqual(ids.slice(0, 4));
    channel.ack(4, true);
    expect(channel.published).toEqual(ids);
    expect(statuses(postings)).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed', '']);
  });

  test('when confirms come out of order, then each settles its own message once', () => {
    attach(channel);
    const postings = add(3);
    channel.ack(2);
    channel.emit('nack', { deliveryTag: 1, multiple: false });
    channel.ack(2);
    channel.ack(3, true);
    expect(statuses(postings)).toEqual(['nacked', 'confirmed', 'confirmed']);
  });

  test('when a message is returned and then confirmed, then its outcome is returned, once', () => {
    attach(channel);
    const [first, second] = add(2) as [TestPosting, TestPosting];
    const { exchange, routingKey, properties } = second.message;
    channel.emit('return', { fields: { exchange, routingKey }, properties });
    channel.ack(2, true);
    expect(statuses([first, second])).toEqual(['confirmed', 'returned']);
  });

  test('when publish says false, then nothing more is sent until drain, and nothing is sent twice', () => {
    attach(channel);
    channel.room = false;
    const postings = add(3);
    expect(channel.published).toHaveLength(1);
    channel.room = true;
    channel.emit('drain');
    expect(channel.published).toEqual(postings.map(({ message }) => message.properties.messageId));
  });

  test('when the channel dies, then what was sent is unknown, and what waited goes out on the next channel', () => {
    attach(channel);
    const postings = add(5);
    detach(channel, 'connection lost');
    expect(statuses(postings)).toEqual(['unknown', 'unknown', 'unknown', '', '']);
    const next = new FakeChannel();
    attach(next);
    channel.ack(1);
    expect(statuses(postings)).toEqual(['unknown', 'unknown', 'unknown', '', '']);
    next.ack(2, true);
    expect(statuses(postings).slice(3)).toEqual(['confirmed', 'confirmed']);
  });

  test('when a late channel dies, then the present one does not suffer', () => {
    const next = new FakeChannel();
    attach(next);
    const [posting] = add(1) as [TestPosting];
    detach(channel, 'lost');
    next.ack(1);
    expect(statuses([posting])).toEqual(['confirmed']);
  });

  test('when no confirm comes in time, then the outcome is unknown; also without any channel', async () => {
    window.close();
    window = new ConfirmWindow({ maxUnconfirmed: 1, timeoutMs: 30 });
    attach(channel);
    const postings = add(2);
    await waitUntil(() => postings.every(({ outcomes }) => outcomes.length === 1));
    expect(statuses(postings)).toEqual(['unknown', 'unknown']);
    await window.flushed();
  });

  test('when a queue still refuses messages after a while, then the channel is to be replaced, once nothing is under way', async () => {
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

  test('when the channel was closed over a large message, then that one is unsendable, and the next like it is not sent', () => {
    attach(channel);
    const postings = add(2);
    const [small, large] = postings as [TestPosting, TestPosting];
    large.message.body = Buffer.alloc(2000);
    detach(channel, '406: message size 2000 is larger than configured max size 1000');
    expect(statuses([small, large])).toEqual(['unknown', 'unsendable']);
    const next = new FakeChannel();
    attach(next);
    const again = Object.assign(new TestPosting(), { message: large.message });
    window.add(again);
    expect(next.published).toEqual([]);
    expect(statuses([again])).toEqual(['unsendable']);
    const reconnected = Object.assign(new FakeChannel(), { connection: {} });
    attach(reconnected);
    const later = Object.assign(new TestPosting(), { message: large.message });
    window.add(later);
    expect(reconnected.published).toHaveLength(1);
  });

  test('when the broker closes the channel over one exchange, then what went to it is its fault, and the rest is unknown', () => {
    attach(channel);
    const [mine, other] = add(2) as [TestPosting, TestPosting];
    other.message.exchange = 'elsewhere';
    detach(channel, "404 (NOT-FOUND) with message \"NOT_FOUND - no exchange 'elsewhere' in vhost '/'\"");
    expect(mine.outcomes[0]).not.toHaveProperty('routeFault');
    expect(other.outcomes[0]).toMatchObject({ status: 'unknown', routeFault: 'refused' });
  });

  test('when it is paused, then nothing is sent until it is not', () => {
    attach(channel);
    window.pause(true);
    add(1);
    expect(channel.published).toEqual([]);
    window.pause(false);
    expect(channel.published).toHaveLength(1);
  });

  test('when the broker was blocked for a part of the time, then a confirm that does not come is no refusal', () => {
    jest.useFakeTimers();
    try {
      window = new ConfirmWindow({ maxUnconfirmed: 3, timeoutMs: 40 });
      attach(channel);
      const [blocked] = add(1) as [TestPosting];
      jest.advanceTimersByTime(10);
      window.pause(true);
      jest.advanceTimersByTime(20);
      window.pause(false);
      jest.advanceTimersByTime(20);
      expect(blocked.outcomes).toEqual([{ status: 'unknown', reason: 'no confirm within 40 ms' }]);
      const [unanswered] = add(1) as [TestPosting];
      jest.advanceTimersByTime(50);
      expect(unanswered.outcomes).toMatchObject([{ status: 'unknown', routeFault: 'unanswered' }]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('when the client cannot encode a message, then it is unsendable, and the tags of the others stay right', () => {
    attach(channel);
    const publish = channel.publish.bind(channel);
    channel.publish = () => {
      throw new TypeError('a header of an unknown type');
    };
    const [bad] = add(1) as [TestPosting];
    channel.publish = publish;
    const [good] = add(1) as [TestPosting];
    channel.ack(1);
    expect(statuses([bad, good])).toEqual(['unsendable', 'confirmed']);
  });

  test('when only the expendable waits or is unconfirmed, then it is flushed, and its confirms are still taken', async () => {
    attach(channel);
    const news = Array.from({ length: 4 }, () => Object.assign(new TestPosting(), { expendable: true }));
    for (const posting of news) window.add(posting);
    await window.flushed();
    const [owed] = add(1) as [TestPosting];
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

  test('when it is closed, then everything is settled, and what comes later too', async () => {
    attach(channel);
    const postings = add(5);
    window.close();
    postings.push(...add(1));
    expect(statuses(postings)).toEqual(Array(6).fill('unknown'));
    await window.flushed();
  });
});
