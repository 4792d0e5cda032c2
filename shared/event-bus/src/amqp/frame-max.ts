import type { ChannelModel } from 'amqplib';

/**
 * The largest frame, in bytes, that the broker takes on this connection.
 *
 * Read from a private field, because amqplib tells the result of the negotiation in no other way. To ask for a size of our own instead is
 * not enough: what we ask for is an upper limit, a broker with a lower `frame_max` imposes its own, and it closes the connection over a
 * larger frame. A failed message with long headers would then never reach its retry queue or its dead letters.
 */
export function frameMaxOf(model: ChannelModel): number {
  return (model.connection as unknown as { frameMax: number }).frameMax;
}
