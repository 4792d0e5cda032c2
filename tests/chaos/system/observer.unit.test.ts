import { expect, it } from '@jest/globals';
import type { ChannelModel } from 'amqplib';
import { end } from './observer.ts';

it('when the broker never answers the close of a connection, then its socket is destroyed', async () => {
  let destroyed = false;
  const stream = { destroy: () => (destroyed = true) };
  const model = { close: () => new Promise(() => undefined), connection: { stream } };
  await end(model as unknown as ChannelModel, 1);
  expect(destroyed).toBe(true);
});
