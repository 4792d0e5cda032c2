import type { ChannelModel } from 'amqplib';

/**
 * The largest frame, in bytes, that the broker accepts on this connection.
 *
 * Reads a private field, because amqplib does not expose the negotiated value. Requesting a size of our own is not enough: the request is
 * only an upper limit, a broker with a lower `frame_max` imposes its own, and it closes the connection on a larger frame. A failed message
 * with long headers would then never reach its retry queue or the dead letters.
 */
export function frameMaxOf(model: ChannelModel): number {
  return (model.connection as unknown as { frameMax: number }).frameMax;
}
