import type { Duplex } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/** The socket of a connection. It is a private field of amqplib, which does not expose it otherwise. */
export const socketOf = ({ connection }: Pick<ChannelModel, 'connection'>): Duplex =>
  (connection as unknown as { stream: Duplex }).stream;
