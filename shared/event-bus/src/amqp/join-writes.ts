import type { Writable } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/**
 * Makes a connection send with one system call what amqplib has collected in one turn of the event loop, up to the socket's high-water mark.
 * amqplib writes every message by itself, and each of these writes also wakes the broker.
 *
 * Reads a private field, because amqplib does not expose its socket.
 */
export function joinWrites(model: Pick<ChannelModel, 'connection'>): void {
  const { stream } = model.connection as unknown as { stream: Writable };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    return write(...args);
  };
}
