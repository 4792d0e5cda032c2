import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpLink } from '../src/amqp/amqp-link.ts';
import { ChannelKeeper } from '../src/amqp/channel-keeper.ts';

test('when a channel ends in the same read as the last answer of its setup, then it is never exposed', async () => {
  const channels: (EventEmitter & { close(): Promise<void> })[] = [];
  const opened: unknown[] = [];
  const lost: unknown[] = [];
  const model = {} as ChannelModel;
  const link = {
    model,
    state: 'connected',
    add: (setUp: (of: ChannelModel) => Promise<void>) => setUp(model),
    remove() {},
  };
  const keeper = new ChannelKeeper<Channel>({
    link: link as unknown as AmqpLink,
    name: 'test',
    logger: silentLogger,
    async create() {
      const channel = Object.assign(new EventEmitter(), { close: async () => undefined });
      channels.push(channel);
      return channel as unknown as Channel;
    },
    setUp: (channel) =>
      new Promise((resolve) => {
        // The code that waits for the answer resumes only after both have been read.
        resolve();
        if (channels.length === 1) channel.emit('close');
      }),
    onOpened: (channel) => void opened.push(channel),
    onLost: (channel) => void lost.push(channel),
  });
  await keeper.start();
  expect([opened, lost]).toEqual([[], [channels[0]]]);
  await waitUntil(() => keeper.channel);
  expect(opened).toEqual([channels[1]]);
  await keeper.close();
});

test('when the broker closes the channel during setup, then its reason is the failure, whatever error the setup saw, and it is logged once', async () => {
  const errors: unknown[] = [];
  const link = {
    model: {},
    state: 'connected',
    add: (setUp: (of: ChannelModel) => Promise<void>): Promise<void> => setUp(link.model as ChannelModel),
    remove() {},
  };
  let channels = 0;
  const keeper = new ChannelKeeper<Channel>({
    link: link as unknown as AmqpLink,
    name: 'test',
    logger: { ...silentLogger, error: (facts: unknown) => void errors.push(facts) } as Logger,
    async create() {
      channels += 1;
      return Object.assign(new EventEmitter(), { close: async () => undefined }) as unknown as Channel;
    },
    async setUp(channel) {
      const reason =
        'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent"';
      channel.emit('error', Object.assign(new Error(reason), { code: 406 }));
      channel.emit('close');
      throw new Error('Channel ended, no reply will be forthcoming');
    },
    onLost: () => undefined,
  });
  await keeper.start();
  await waitUntil(() => channels >= 3);
  expect(keeper.failure).toMatchObject({ code: 'TOPOLOGY_REFUSED', message: 'PRECONDITION_FAILED - inequivalent' });
  expect(errors).toHaveLength(1);
  await keeper.close();
});
