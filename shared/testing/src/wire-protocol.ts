/** How a protocol frames a client's messages, and which of them are counted. */
export interface WireProtocol {
  /** Number of bytes of a message that are needed to know its size. */
  headerBytes: number;
  /** Returns the size of the message that begins at `at`, including its header. The first message of a connection may be framed differently. */
  sizeOf(bytes: Buffer, at: number, first: boolean): number;
  isCounted(bytes: Buffer, at: number): boolean;
  /** Whether to count messages of a connection, decided by its first message. @default every connection counts */
  isCountedConnection?(first: Buffer): boolean;
}

const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);
const METHOD_FRAME = 1;
const BASIC_PUBLISH = (60 << 16) | 40;

/**
 * Counts round trips to Postgres over an unencrypted connection: each `Sync` and each `Query` of the simple protocol, after which the client
 * waits for `ReadyForQuery`. Pipelined statements count separately.
 */
export const postgresRoundTrips: WireProtocol = {
  headerBytes: 5,
  // The start-up message has no type.
  sizeOf: (bytes, at, first) => (first ? bytes.readUInt32BE(at) : 1 + bytes.readUInt32BE(at + 1)),
  isCounted: (bytes, at) => bytes[at] === SYNC || bytes[at] === QUERY,
};

/** Counts messages published to an AMQP 0-9-1 broker over an unencrypted connection: each `basic.publish`. */
export const amqpPublishes: WireProtocol = {
  headerBytes: 7,
  // The protocol header is `AMQP` and four bytes. A frame ends with an end byte.
  sizeOf: (bytes, at, first) => (first ? 8 : 8 + bytes.readUInt32BE(at + 3)),
  isCounted: (bytes, at) => bytes[at] === METHOD_FRAME && bytes.readUInt32BE(at + 7) === BASIC_PUBLISH,
};

/** Parses what one connection sends, in chunks of any size, and calls back for each counted message. */
export function createWireReader(protocol: WireProtocol, onCounted: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  let counts = true;
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= protocol.headerBytes) {
      const size = protocol.sizeOf(bytes, at, first);
      if (bytes.length - at < size) break;
      if (first) counts = protocol.isCountedConnection?.(bytes.subarray(at, at + size)) ?? true;
      else if (counts && protocol.isCounted(bytes, at)) onCounted();
      first = false;
      at += size;
    }
    rest = bytes.subarray(at);
  };
}
