import { describe, expect, it } from '@jest/globals';
import { amqpPublishes, createWireReader, postgresRoundTrips, type WireProtocol } from '../src/index.ts';

const size = (bytes: number): Buffer => {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes);
  return field;
};
const postgres = (type: string, body = ''): Buffer =>
  Buffer.concat([Buffer.from(type), size(4 + body.length), Buffer.from(body)]);
const amqp = (type: number, payload: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from([type, 0, 1]), size(payload.length), Buffer.from([...payload, 0xce])]);

const SENT: Record<string, { protocol: WireProtocol; bytes: Buffer; counted: number }> = {
  'two prepared statements, a simple query and an end': {
    protocol: postgresRoundTrips,
    bytes: Buffer.concat([
      // Read as a message of its own type, its first byte would make it a huge one.
      Buffer.concat([size(13), size(196_608), Buffer.from('user\0')]),
      ...['P', 'B', 'D', 'E', 'S', 'B', 'E', 'S'].map((type) => postgres(type, 'QSQS')),
      postgres('Q', 'COMMIT\0'),
      postgres('X'),
    ]),
    counted: 3,
  },
  'statements on a connection that does not count': {
    protocol: { ...postgresRoundTrips, isCountedConnection: (first) => !first.includes('relay') },
    bytes: Buffer.concat([size(14), size(196_608), Buffer.from('relay\0'), postgres('S'), postgres('Q', 'COMMIT\0')]),
    counted: 0,
  },
  'two published messages and an acknowledgement': {
    protocol: amqpPublishes,
    bytes: Buffer.concat([
      Buffer.from('AMQP\0\0\t\u0001'),
      ...[1, 2].flatMap(() => [amqp(1, [0, 60, 0, 40, 0, 0]), amqp(2, [0, 60, 0, 0]), amqp(3, [0, 60, 0, 40])]),
      amqp(1, [0, 60, 0, 80, 0, 0]),
      amqp(8, []),
    ]),
    counted: 2,
  },
};

describe('the reader of a wire', () => {
  it.each(Object.keys(SENT))('when a client sends %s, in chunks of any size, then each is counted', (what) => {
    const { protocol, bytes, counted } = SENT[what] as (typeof SENT)[string];
    for (const chunkBytes of [1, 7, bytes.length]) {
      let found = 0;
      const read = createWireReader(protocol, () => {
        found += 1;
      });
      for (let at = 0; at < bytes.length; at += chunkBytes) read(bytes.subarray(at, at + chunkBytes));
      expect(found).toBe(counted);
    }
  });
});
