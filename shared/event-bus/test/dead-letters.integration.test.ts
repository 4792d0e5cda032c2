import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '@warren/kernel';
import { createTcpProxy, uniqueName, waitUntil } from '@warren/testing';
import { type DeadLetter, type DeadLetterProgress, DeadLetters, type DeliveryContext, HEADERS } from '../src/index.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed } from './shop-events.ts';

const invalid = (code: string) => new AppError({ code, kind: 'invalid', message: `it is ${code}` });

describe('the dead letters of a queue', () => {
  let harness: RabbitHarness;
  let letters: DeadLetters;
  let queue: string;

  beforeAll(async () => {
    harness = await createRabbitHarness();
  });
  beforeEach(async () => {
    queue = uniqueName('shop');
    letters = await DeadLetters.connect({ url: harness.amqpUrl });
  });
  afterEach(async () => {
    await letters.close();
    await harness.closeBuses();
  });
  afterAll(() => harness.close());

  /** Dead-letters events with 1, 2, … pieces in this order, with the code returned by `codeOf`, and closes the bus. */
  async function fill(count: number, codeOf: (pieces: number) => string = () => 'TOO_SMALL') {
    const bus = harness.bus();
    await bus.connect();
    const handler = async ({ data }: { data: { pieces: number } }) => {
      throw invalid(codeOf(data.pieces));
    };
    await bus.subscribe({ queue, bindings: [Placed], handler });
    const events = Array.from({ length: count }, (_, index) => placed(index + 1, { correlationId: `c-${index + 1}` }));
    await bus.publishAll(events);
    await waitUntil(async () => (await letters.count(queue)) === count, {
      what: `${count} dead letters`,
    });
    await harness.closeBuses();
    return events;
  }

  /** Handles all messages of the queue from now on. */
  async function handleAll(fails?: AppError) {
    const seen: { id: string; context: DeliveryContext; replays: unknown }[] = [];
    const bus = harness.bus();
    await bus.connect();
    await bus.subscribe({
      queue,
      bindings: [Placed],
      handler: async ({ id }, context) => {
        seen.push({ id, context, replays: context.replays });
        if (fails) throw fails;
      },
    });
    return seen;
  }

  const piecesOf = ({ body }: DeadLetter) => (JSON.parse(body.toString()) as { data: { pieces: number } }).data.pieces;
  const left = async () => (await letters.list(queue)).map(piecesOf);

  test('when they are listed, then each has its history, oldest first, and all stay in order', async () => {
    const events = await fill(3);
    const listed = await letters.list(queue);
    expect(listed).toHaveLength(3);
    expect(listed[0]).toMatchObject({
      queue,
      id: events[0]?.id,
      type: 'Placed',
      correlationId: 'c-1',
      reason: 'invalid',
      code: 'TOO_SMALL',
      kind: 'invalid',
      message: 'it is TOO_SMALL',
      stack: expect.stringContaining('it is TOO_SMALL'),
      attempts: 1,
      replays: 0,
      exchange: 'shop',
      routingKey: 'shop.placed',
      service: 'shop',
      host: expect.any(String),
      firstFailedAt: expect.stringMatching(/Z$/),
      lastFailedAt: expect.stringMatching(/Z$/),
      headers: {},
    });
    expect(await left()).toEqual([1, 2, 3]);
    expect(await left()).toEqual([1, 2, 3]);
  });

  test('when some are selected by code, id, reason, time or limit, then only those are listed', async () => {
    const events = await fill(4, (pieces) => (pieces % 2 === 0 ? 'EVEN' : 'ODD'));
    const pieces = async (filter: object, limit?: number) =>
      (await letters.list(queue, { filter, limit })).map(piecesOf);
    expect(await pieces({ code: 'EVEN' })).toEqual([2, 4]);
    expect(await pieces({ id: events[2]?.id })).toEqual([3]);
    expect(await pieces({ reason: 'skipped' })).toEqual([]);
    expect(await pieces({ code: 'ODD' }, 1)).toEqual([1]);
    const [, second] = await letters.list(queue);
    const moment = new Date(second?.lastFailedAt ?? '');
    const before = await pieces({ before: moment });
    const since = await pieces({ since: moment });
    expect([...before, ...since]).toEqual([1, 2, 3, 4]);
    expect(since).toContain(2);
  });

  test('when some are replayed, then they are handled once with a new count and their own address; the others stay in order', async () => {
    const events = await fill(5, (pieces) => (pieces % 2 === 0 ? 'EVEN' : 'ODD'));
    expect(await letters.replay(queue, { filter: { code: 'EVEN' } })).toBe(2);
    const seen = await handleAll();
    await waitUntil(() => seen.length === 2);
    expect(seen.map(({ id }) => id)).toEqual([events[1]?.id, events[3]?.id]);
    expect(seen[0]?.context).toMatchObject({ attempt: 1, exchange: 'shop', routingKey: 'shop.placed', replays: 1 });
    expect(seen[0]?.context.headers).toEqual({});
    expect(await left()).toEqual([1, 3, 5]);
    await waitUntil(async () => (await harness.count(queue)) === 0);
  });

  test('when a replayed message fails again, then its dead letter says so, and the run does not repeat forever', async () => {
    await fill(2);
    const seen = await handleAll(invalid('STILL_WRONG'));
    expect(await letters.replay(queue)).toBe(2);
    await waitUntil(async () => (await letters.count(queue)) === 2);
    const listed = await letters.list(queue);
    expect(listed.map(({ code, replays, attempts }) => [code, replays, attempts])).toEqual([
      ['STILL_WRONG', 1, 1],
      ['STILL_WRONG', 1, 1],
    ]);
    expect(seen).toHaveLength(2);
  });

  test('when the queue is gone, then replay fails and every dead letter is still there', async () => {
    await fill(3);
    await harness.deleteQueue(queue);
    await expect(letters.replay(queue)).rejects.toMatchObject({ code: 'PUBLISH_RETURNED' });
    expect(await left()).toEqual([1, 2, 3]);
  });

  test('when a replay is interrupted, then nothing is lost: each message is in its queue, or still a dead letter, or both', async () => {
    const count = 300;
    await fill(count);
    const proxy = await createTcpProxy(harness.amqpUrl);
    const cut = await DeadLetters.connect({ url: proxy.through(harness.amqpUrl) });
    const onProgress = ({ done }: { done: number }) => {
      if (done === 150) proxy.cut();
    };
    await expect(cut.replay(queue, { onProgress })).rejects.toMatchObject({ kind: 'transient' });
    await cut.close();
    await proxy.close();
    await waitUntil(async () => (await letters.count(queue)) > 0);
    const found = (await harness.messages(queue)).map(({ messageId }) => messageId);
    const rest = (await letters.list(queue)).map(({ id }) => id);
    expect(found.length).toBeGreaterThan(0);
    expect(rest.length).toBeGreaterThan(0);
    expect(new Set([...found, ...rest]).size).toBe(count);
    // For some the confirm was outstanding, for others the acknowledgement was lost. Not for all: each is taken when its copy is confirmed.
    expect(rest.length).toBeLessThan(count);
  });

  test('when there is more than one page, then a listing sees all of them in order and leaves them there, and a filtered purge leaves the rest', async () => {
    await fill(150, (pieces) => (pieces === 140 ? 'SPARED' : 'TOO_SMALL'));
    const progress: number[] = [];
    const listed = await letters.list(queue, { onProgress: ({ seen, total }) => progress.push(seen / total) });
    expect(listed.map(piecesOf)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
    expect(progress.at(-1)).toBe(1);
    expect(await left()).toEqual(listed.map(piecesOf));
    expect(await letters.purge(queue, { filter: { code: 'TOO_SMALL' } })).toBe(149);
    expect(await left()).toEqual([140]);
  });

  test('when a replay takes several rounds, then each selected message is put back once and in order, and the others stay in order', async () => {
    await fill(60, (pieces) => (pieces % 3 === 0 ? 'SPARED' : 'TOO_SMALL'));
    const seen: DeadLetterProgress[] = [];
    const count = await letters.replay(queue, {
      filter: { code: 'TOO_SMALL' },
      ratePerSecond: 200,
      roundMs: 40,
      onProgress: (progress) => seen.push({ ...progress }),
    });
    expect(count).toBe(40);
    const piecesIn = (await harness.messages(queue)).map(({ body }) => JSON.parse(String(body)).data.pieces);
    expect(piecesIn).toEqual(Array.from({ length: 60 }, (_, at) => at + 1).filter((pieces) => pieces % 3 !== 0));
    expect(await left()).toEqual(Array.from({ length: 20 }, (_, at) => 3 * (at + 1)));
    // The new round started with the messages it had not taken.
    expect(seen.length).toBeGreaterThan(60);
    expect(seen.at(-1)).toEqual({ total: 60, seen: 60, done: 40 });
  });

  test('when a rate is given, then the replay is paced', async () => {
    await fill(5);
    const startedAt = performance.now();
    await letters.replay(queue, { ratePerSecond: 20 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(190);
  });

  test('when the broker itself moved the message, then its own record provides reason and address', async () => {
    await fill(1);
    await letters.purge(queue);
    await harness.publishRaw({
      exchange: '',
      routingKey: `${queue}.dlq`,
      body: Buffer.from('{}'),
      messageId: 'm-1',
      headers: { [HEADERS.errorCode]: 'EARLIER', 'x-mine': 'kept' },
    });
    const [letter] = await letters.list(queue);
    expect(letter).toMatchObject({ id: 'm-1', reason: 'unknown', code: 'EARLIER', headers: { 'x-mine': 'kept' } });
  });

  test('when the queue or the broker is missing, then the error says which', async () => {
    await expect(letters.list('nonsense')).rejects.toMatchObject({ code: 'DEAD_LETTER_QUEUE_MISSING' });
    await expect(DeadLetters.connect({ url: 'amqp://u:p@127.0.0.1:1' })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
    });
  });
});
