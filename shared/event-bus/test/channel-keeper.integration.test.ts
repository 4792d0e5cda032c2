import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { createTcpProxy, createTestVhost, type TcpProxy, waitUntil } from '@warren/testing';
import type { Channel } from 'amqplib';
import { AmqpLink } from '../src/amqp/amqp-link.ts';
import { ChannelKeeper } from '../src/amqp/channel-keeper.ts';

describe('channel keeper', () => {
  let amqpUrl: string;
  let proxy: TcpProxy;
  let link: AmqpLink;
  let keeper: ChannelKeeper<Channel>;
  let setUps: number;
  let lost: string[];
  let failSetUp: boolean;
  let onSetUp: () => void;

  beforeAll(async () => {
    ({ amqpUrl } = await createTestVhost());
  });
  beforeEach(async () => {
    setUps = 0;
    lost = [];
    failSetUp = false;
    onSetUp = () => undefined;
    proxy = await createTcpProxy(amqpUrl);
    link = new AmqpLink({ url: proxy.through(amqpUrl), name: 'test', heartbeatSeconds: 0, logger: silentLogger });
    keeper = new ChannelKeeper<Channel>({
      link,
      name: 'test',
      logger: silentLogger,
      create: (model) => model.createChannel(),
      setUp: async (channel) => {
        setUps += 1;
        onSetUp();
        if (failSetUp) await channel.checkQueue('no-such-queue');
      },
      onLost: (_, reason) => void lost.push(reason),
    });
    link.open();
    await keeper.start();
    await waitUntil(() => keeper.channel);
  });
  afterEach(async () => {
    await keeper.close();
    await link.close();
    await proxy.close();
  });

  test('when the broker closes only the channel, then another one is opened on the same connection', async () => {
    const { channel } = keeper;
    const { model } = link;
    await expect(channel?.checkQueue('no-such-queue')).rejects.toThrow('404');
    expect(lost).toEqual([expect.stringContaining('404')]);
    await waitUntil(() => keeper.channel);
    expect(keeper.channel).not.toBe(channel);
    expect(link.model).toBe(model);
    expect(setUps).toBe(2);
  });

  test('when the broker does not answer the close of a channel, then its requests fail, and the next connection opens another one', async () => {
    const { model } = link;
    proxy.freeze(true);
    const asked = expect(keeper.channel?.checkQueue('no-such-queue')).rejects.toThrow('no reply will be forthcoming');
    await keeper.replace();
    await asked;
    proxy.freeze(false);
    await waitUntil(() => keeper.channel);
    expect(link.model).not.toBe(model);
    expect(lost).toEqual(['the channel was closed']);
  });

  test('when the connection is lost while a channel that failed its setup is closing, then the next connection opens one', async () => {
    onSetUp = () => {
      proxy.freeze(true);
      throw new Error('of no use');
    };
    proxy.cut();
    await waitUntil(() => keeper.failure);
    onSetUp = () => undefined;
    proxy.cut();
    proxy.freeze(false);
    await waitUntil(() => keeper.channel, { what: 'a channel on the next connection' });
  });

  test('when the connection is lost, then one channel is opened on the next one, not two', async () => {
    const { model } = link;
    proxy.cut();
    await waitUntil(() => link.state === 'connected' && link.model !== model && keeper.channel);
    expect(lost).toHaveLength(1);
    expect(setUps).toBe(2);
  });

  test('when the broker refuses the setup for a while, then it is retried until it succeeds, and the reason is available meanwhile', async () => {
    failSetUp = true;
    await keeper.channel?.close();
    await waitUntil(() => keeper.failure);
    expect(keeper.failure).toMatchObject({
      code: 'TOPOLOGY_REFUSED',
      message: expect.stringContaining('no-such-queue'),
    });
    expect(keeper.channel).toBeUndefined();
    failSetUp = false;
    await waitUntil(() => keeper.channel);
    expect(keeper.failure).toBeUndefined();
  });

  test('when it is closed, then it opens no channel on later connections', async () => {
    await keeper.close();
    const { model } = link;
    proxy.cut();
    await waitUntil(() => link.state === 'connected' && link.model !== model);
    expect(keeper.channel).toBeUndefined();
    expect(setUps).toBe(1);
  });
});
