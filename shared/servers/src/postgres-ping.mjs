import { connect } from 'node:net';

/**
 * Checks whether a Postgres there accepts connections: it answers a start-up packet by asking for the password. A server that is starting or
 * recovering answers with an error.
 * @param {{host: string, port: number, user: string}} target
 * @returns {Promise<boolean>}
 */
export function asksForPassword({ host, port, user }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    /** @param {boolean} answer */
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => socket.write(startupPacket(user)));
    socket.on('data', (data) => done(data[0] === 'R'.charCodeAt(0)));
    socket.on('error', () => done(false));
    socket.on('timeout', () => done(false));
    socket.on('close', () => done(false));
  });
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: length, protocol 3.0, parameters. @param {string} user */
function startupPacket(user) {
  const parameters = Buffer.from(`user\0${user}\0\0`);
  const packet = Buffer.alloc(8);
  packet.writeInt32BE(packet.length + parameters.length, 0);
  packet.writeInt32BE(3 << 16, 4);
  return Buffer.concat([packet, parameters]);
}
