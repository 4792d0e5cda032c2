import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpLink } from '../src/amqp/amqp-link.ts';
import { ChannelKeeper } from '../src/amqp/channel-keeper.ts';

test('when a channel dies in the same read as the last answer of its setup, then it is never handed out', async () => {
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
        // What waits for the answer goes on only after both have been read.
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
