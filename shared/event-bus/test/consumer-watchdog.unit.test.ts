import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Channel } from 'amqplib';
import { ChannelEpoch } from '../src/amqp/channel-epoch.ts';
import { ConsumerWatchdog } from '../src/amqp/consumer-watchdog.ts';

let counted: { messageCount: number; consumerCount: number };
let reports: string[];
let epoch: ChannelEpoch;
let consumes: boolean;
let watchdog: ConsumerWatchdog;

beforeEach(() => {
  jest.useFakeTimers();
  counted = { messageCount: 0, consumerCount: 1 };
  reports = [];
  consumes = true;
  epoch = new ChannelEpoch({ checkQueue: async () => counted } as unknown as Channel);
  watchdog = new ConsumerWatchdog({
    queue: 'stock',
    epoch,
    consumes: () => consumes,
    checkMs: 100,
    renewMs: 1000,
    onUnserved: (reason) => void reports.push(reason),
    onIdle: () => void reports.push('idle'),
  });
});
afterEach(() => {
  watchdog.stop();
  jest.useRealTimers();
});

describe('the watchdog of a consumer', () => {
  test('when the broker counts no consumer, then it is unserved', async () => {
    counted.consumerCount = 0;
    await jest.advanceTimersByTimeAsync(100);
    expect(reports).toEqual(['the broker counts no consumer']);
  });

  test('when there is no consumer on purpose, then it is left alone', async () => {
    consumes = false;
    counted.consumerCount = 0;
    await jest.advanceTimersByTimeAsync(100);
    expect(reports).toEqual([]);
  });

  test('when messages wait in two checks and none is delivered, then it is unserved, reported once', async () => {
    counted.messageCount = 7;
    await jest.advanceTimersByTimeAsync(100);
    expect(reports).toEqual([]);
    await jest.advanceTimersByTimeAsync(500);
    expect(reports).toEqual(['7 messages wait']);
  });

  test('when a message is unsettled, however long, then it is left alone', async () => {
    counted.messageCount = 7;
    epoch.delivered();
    await jest.advanceTimersByTimeAsync(5000);
    expect(reports).toEqual([]);
  });

  test('when nothing arrives for long, then it is idle, because a ghost looks the same', async () => {
    await jest.advanceTimersByTimeAsync(900);
    expect(reports).toEqual([]);
    await jest.advanceTimersByTimeAsync(100);
    expect(reports).toEqual(['idle']);
  });
});
