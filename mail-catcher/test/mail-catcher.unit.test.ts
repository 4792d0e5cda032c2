import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadSettings, silentLogger } from '@warren/kernel';
import { createTransport } from 'nodemailer';
import { composeMailCatcher, type MailCatcher } from '../src/compose.ts';
import { mailCatcherSettings } from '../src/config.ts';
import { type CaughtMail, createMailbox } from '../src/mailbox.ts';

let catcher: MailCatcher;

beforeEach(async () => {
  const settings = loadSettings(mailCatcherSettings, { MAIL_CATCHER_PORT: '0', MAIL_CATCHER_SMTP_PORT: '0' });
  catcher = composeMailCatcher(settings, silentLogger);
  await catcher.lifecycle.start();
});
afterEach(() => catcher.lifecycle.stop());

const mail = { from: 'Warren <no-reply@localhost>', to: { name: 'Ann', address: 'ann@example.com' }, text: 'Hello' };

async function send(...mails: object[]): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: catcher.smtpPort, pool: true, maxMessages: 1000 });
  try {
    for (const one of mails) await transport.sendMail({ ...mail, ...one });
  } finally {
    transport.close();
  }
}

const get = (path: string) => fetch(`http://127.0.0.1:${catcher.port}${path}`);
const page = async (path: string) => (await get(path)).text();
const caught = async () => ((await (await get('/mails')).json()) as { items: CaughtMail[] }).items;

/** What becomes of a connection to one of this machine's other addresses. */
function knock(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 });
    socket.once('connect', () => resolve('open'));
    socket.once('timeout', () => resolve('no answer'));
    socket.once('error', () => resolve('refused'));
    socket.once('close', () => socket.destroy());
  });
}

describe('the mail catcher', () => {
  it('when a mail comes, then it is shown as JSON and on the page', async () => {
    await send({ subject: 'Größe', html: '<p>Hello</p>', messageId: '<1@localhost>' });
    const [one] = await caught();
    expect(one).toMatchObject({
      envelope: { from: 'no-reply@localhost', to: ['ann@example.com'] },
      messageId: '<1@localhost>',
      from: 'Warren <no-reply@localhost>',
      to: 'Ann <ann@example.com>',
      subject: 'Größe',
      text: expect.stringContaining('Hello'),
      html: expect.stringContaining('<p>Hello</p>'),
    });
    expect(await (await get(`/mails/${one?.id}`)).json()).toEqual(one);
    expect(await page('/')).toContain(`<a href="/mails/${one?.id}/page">Größe</a>`);
    expect((await get('/mails/7')).status).toBe(404);
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('when a mail holds markup, then the pages show it as text, its HTML in a frame without rights, and nothing is fetched', async () => {
    const evil = `"><script>alert('x')</script>`;
    await send({
      subject: evil,
      text: evil,
      html: `<img src="http://example.com/x">${evil}`,
      to: { name: evil, address: 'a@b.example' },
    });
    for (const path of ['/', '/mails/1/page']) {
      const response = await get(path);
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      const html = await response.text();
      expect(html).not.toContain('<script');
      expect(html).toContain('&lt;script&gt;');
    }
    expect(await page('/mails/1/page')).toMatch(/<iframe sandbox="" srcdoc="&lt;img src=&quot;http:/);
  });

  it('when more mails come than are kept, then the oldest are forgotten', async () => {
    const mailbox = createMailbox(500);
    const nothing = {
      receivedAt: '',
      envelope: { from: '', to: [] },
      messageId: undefined,
      from: '',
      to: '',
      text: '',
    };
    for (let index = 0; index < 502; index += 1) mailbox.add({ ...nothing, html: undefined, subject: `mail ${index}` });
    const mails = mailbox.list();
    expect(mails).toHaveLength(500);
    expect([mails[0]?.subject, mails[499]?.subject]).toEqual(['mail 501', 'mail 2']);
    expect([mailbox.find(2), mailbox.find(502)?.subject]).toEqual([undefined, 'mail 501']);
  });

  it('when a mail is too large, then it is refused for good, and not kept', async () => {
    await expect(send({ text: 'x'.repeat(1_000_001) })).rejects.toMatchObject({ responseCode: 552 });
    expect(await caught()).toEqual([]);
  });

  it('when somebody comes by another address than loopback, then nobody listens', async () => {
    const others = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    const address = others.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.2';
    expect(await knock(address, catcher.port)).toBe('refused');
    expect(await knock(address, catcher.smtpPort)).toBe('refused');
  });
});
