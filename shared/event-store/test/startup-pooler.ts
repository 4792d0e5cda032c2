import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What PgBouncer takes in a start-up packet, unless `ignore_startup_parameters` has more. */
const ALLOWED = new Set([
  ...['user', 'database', 'application_name', 'client_encoding'],
  ...['datestyle', 'timezone', 'standard_conforming_strings'],
]);

/** Stands for a pooler that refuses start-up parameters, with the answer of PgBouncer; else it hands everything on. */
export interface StartupPooler {
  /** The URL of the database, through the pooler. */
  through(url: string): string;
  close(): Promise<void>;
}

export async function createStartupPooler(databaseUrl: string): Promise<StartupPooler> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.on('error', () => client.destroy()));
    client.once('data', (packet) => {
      const refused = namesIn(packet).find((name) => !ALLOWED.has(name.toLowerCase()));
      if (refused !== undefined) return void client.end(errorResponse(`unsupported startup parameter: ${refused}`));
      const upstream = connect(Number(port), hostname).on('error', () => client.destroy());
      sockets.add(upstream);
      upstream.write(packet);
      client.pipe(upstream).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    through(url) {
      const changed = new URL(url);
      changed.hostname = '127.0.0.1';
      changed.port = String((server.address() as AddressInfo).port);
      return changed.href;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Length and version, then names and values, each with a zero behind it (PostgreSQL manual, "Message Formats"). */
function namesIn(packet: Buffer): string[] {
  const texts = packet.subarray(8).toString('utf8').split('\0');
  return texts.filter((text, index) => index % 2 === 0 && text !== '');
}

function errorResponse(message: string): Buffer {
  const body = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
