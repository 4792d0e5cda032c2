import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { createSmtpMailer } from '../src/adapters/smtp/smtp-mailer.ts';

it('when the mail server answers too slowly for too long, then that is no answer', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).write('220 slow\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mailer = createSmtpMailer({
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    from: { name: 'Warren', address: 'warren@example.com' },
    connections: 1,
    sendLimitMs: 200,
  });
  const letter = { subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' };
  const to = { name: 'John', address: 'john@example.com' };
  expect(await mailer.send({ mailId: 'mail-1', to, ...letter })).toMatchObject({ status: 'unanswered' });
  mailer.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});
