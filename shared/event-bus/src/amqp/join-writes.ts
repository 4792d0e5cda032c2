import type { ChannelModel } from 'amqplib';
import { socketOf } from './socket-of.ts';

/**
 * Makes a connection send with one system call what amqplib has collected in one turn of the event loop, up to the socket's high-water mark.
 * amqplib writes every message by itself, and each of these writes also wakes the broker.
 */
export function joinWrites(model: Pick<ChannelModel, 'connection'>): void {
  const stream = socketOf(model);
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    return write(...args);
  };
}
