import type { Duplex } from 'node:stream';
import { connect } from 'amqplib';

/** The AMQP method connection.blocked with the reason "low on memory", as one frame. */
export const BLOCKED = blockedFrame('low on memory');
/** The AMQP method connection.unblocked. */
export const UNBLOCKED = methodFrame(Buffer.from([0, 10, 0, 61]));

/** The AMQP method connection.open-ok. */
export const OPEN_OK = methodFrame(Buffer.from([0, 10, 0, 41, 0]));
/** The AMQP method connection.close with the code 320, as a broker sends it that is being stopped. */
export const CLOSE = methodFrame(Buffer.from([0, 10, 0, 50, 1, 64, 0, 0, 0, 0, 0]));

function blockedFrame(reason: string): Buffer {
  return methodFrame(Buffer.concat([Buffer.from([0, 10, 0, 60, reason.length]), Buffer.from(reason)]));
}

function methodFrame(payload: Buffer): Buffer {
  const head = Buffer.from([1, 0, 0, 0, 0, 0, payload.length]);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** Publishes a message whose `type` is arbitrary bytes: `amqplib` itself writes only UTF-8. */
export async function publishWithType(amqpUrl: string, type: Buffer): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createChannel();
  const short = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const name = (text: string) => short(Buffer.from(text));
  const publish = Buffer.concat([
    Buffer.from([0, 60, 0, 40, 0, 0]),
    name('shop'),
    name('shop.placed'),
    Buffer.from([0]),
  ]);
  const body = Buffer.from('not JSON');
  const header = Buffer.concat([Buffer.from([0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, body.length, 0, 0x20]), short(type)]);
  const frame = (kind: number, payload: Buffer) => {
    const head = Buffer.from([kind, 0, channelNumber(channel), 0, 0, 0, 0]);
    head.writeUInt32BE(payload.length, 3);
    return Buffer.concat([head, payload, Buffer.from([0xce])]);
  };
  const { stream } = (connection as unknown as { connection: { stream: Duplex } }).connection;
  stream.write(Buffer.concat([frame(1, publish), frame(2, header), frame(3, body)]));
  await connection.close();
}

const channelNumber = (channel: unknown) => (channel as { ch: number }).ch;
