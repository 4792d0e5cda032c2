/** How a protocol divides what a client sends into messages, and which of them count. */
export interface WireProtocol {
  /** Bytes of a message that tell its size. */
  headerBytes: number;
  /** Size of the message that begins at `at`, header included; the first one of a connection may be framed differently. */
  sizeOf(bytes: Buffer, at: number, first: boolean): number;
  isCounted(bytes: Buffer, at: number): boolean;
  /** Whether a connection counts, by its first message. @default every one does */
  isCountedConnection?(first: Buffer): boolean;
}

const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);
const METHOD_FRAME = 1;
const BASIC_PUBLISH = (60 << 16) | 40;

/**
 * Round trips to Postgres over an unencrypted connection: each `Sync` and each `Query` of the simple protocol, after which the client waits for
 * `ReadyForQuery`. Statements that are pipelined count one each.
 */
export const postgresRoundTrips: WireProtocol = {
  headerBytes: 5,
  // The start-up message has no type.
  sizeOf: (bytes, at, first) => (first ? bytes.readUInt32BE(at) : 1 + bytes.readUInt32BE(at + 1)),
  isCounted: (bytes, at) => bytes[at] === SYNC || bytes[at] === QUERY,
};

/** Messages published to an AMQP 0-9-1 broker over an unencrypted connection: each `basic.publish`. */
export const amqpPublishes: WireProtocol = {
  headerBytes: 7,
  // The protocol header is `AMQP` and four bytes. A frame ends with a byte of its own.
  sizeOf: (bytes, at, first) => (first ? 8 : 8 + bytes.readUInt32BE(at + 3)),
  isCounted: (bytes, at) => bytes[at] === METHOD_FRAME && bytes.readUInt32BE(at + 7) === BASIC_PUBLISH,
};

/** Reads what one connection sends, in chunks of any size, and calls back for each message that counts. */
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
