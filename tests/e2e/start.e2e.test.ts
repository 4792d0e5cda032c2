import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderView } from '@shop/events/order-view';
import { findFreePort } from '@warren/servers';
import { testEnvironment, waitUntil } from '@warren/testing';
import type { RunState } from '../../scripts/lib/run-state.mjs';
import { SERVICES } from '../../scripts/lib/services.mjs';
import { type NpmCommand, runNpm } from './npm-command.ts';

const MAIL_CATCHER_PORTS = ['MAIL_CATCHER_PORT', 'MAIL_CATCHER_SMTP_PORT'];

let dataDir: string;
let ports: Record<string, string>;
let started: NpmCommand[] = [];

beforeAll(async () => {
  // Mode 0700, as a clone below /root: a database that must not run as root has to cope with it.
  dataDir = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'start-'));
  const settings = [...SERVICES.map(({ portSetting }) => portSetting), ...MAIL_CATCHER_PORTS];
  ports = {};
  // Beyond those that the broker and other suites draw from: nobody listens on them until the services do.
  for (const [index, setting] of settings.entries()) ports[setting] = String(await findFreePort(32_100 + index));
});

afterAll(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));

function start(args: string[] = [], env: Record<string, string> = {}): NpmCommand {
  const command = runNpm(['start', '--', ...args], dataDir, { ...ports, ...env });
  started.push(command);
  return command;
}

async function stopped(command: NpmCommand): Promise<number | null> {
  command.signal('SIGINT');
  return command.exited;
}

const runFile = () => join(dataDir, 'run.json');
const runState = () => JSON.parse(readFileSync(runFile(), 'utf8')) as RunState;

async function placeOrder(command: NpmCommand): Promise<string> {
  const [, url = '', body = ''] = await command.waitFor(/curl -i (\S+) -H '[^']+' -d '([^']+)'/);
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  expect(response.status).toBe(201);
  const order = (await response.json()) as { id: string };
  return `${url}/${order.id}`;
}

const orderAt = async (orderUrl: string) => (await (await fetch(orderUrl)).json()) as OrderView;

const statusOf = async (orderUrl: string): Promise<string> => (await orderAt(orderUrl)).status;

async function registerUser(userUrl: string): Promise<number> {
  const body = JSON.stringify({ email: 'john@example.com', name: 'John Doe' });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${userUrl}/users`, { method: 'POST', body, headers })).status;
}

async function caughtMails(mailsUrl: string): Promise<{ to: string; subject: string }[]> {
  const response = await fetch(`${mailsUrl}/mails`);
  return ((await response.json()) as { items: { to: string; subject: string }[] }).items;
}

async function countsOf(analyticsUrl: string): Promise<Record<string, number>> {
  const response = await fetch(`${analyticsUrl}/analytics/summary`);
  return ((await response.json()) as { byType: Record<string, number> }).byType;
}

/** A helper of a killed broker ends by itself, a moment after its pipe has closed. */
const nothingIsLeft = (...commands: NpmCommand[]) =>
  waitUntil(
    () => {
      const left = commands.flatMap((command) => command.leftovers());
      if (left.length > 0) throw new Error(JSON.stringify(left));
      return true;
    },
    { what: 'everything that was started to end' },
  );

const becomesConfirmed = (orderUrl: string) =>
  waitUntil(async () => (await statusOf(orderUrl)) === 'confirmed', { what: `${orderUrl} to be confirmed` });

describe('npm start', () => {
  afterEach(async () => {
    for (const command of started) command.signal('SIGTERM');
    await Promise.all(started.map(({ exited }) => exited));
    started = [];
  });

  test('when it is started twice, killed and started again, then it keeps its promises and all data', async () => {
    const first = start(['--orders', '2', '--inventories', '2']);
    const orderUrl = await placeOrder(first);
    await becomesConfirmed(orderUrl);
    expect((await orderAt(orderUrl)).paymentStatus).toBeUndefined();

    // What it says of itself.
    expect(statSync(runFile()).mode & 0o777).toBe(0o600);
    const { apiUrl, inventoryUrls = [], processes } = runState();
    expect(apiUrl).toBe(`http://localhost:${ports.ORDER_PORT}`);
    expect(inventoryUrls).toHaveLength(2);
    expect(processes.map(({ name }) => name)).not.toContain('user');
    expect(runState().urls?.order).toBe(apiUrl);
    expect(runState().urls?.analytics).toBeUndefined();
    for (const url of inventoryUrls) {
      await waitUntil(async () => (await fetch(`${url}/health/ready`)).ok, { what: `${url} to be ready` });
    }
    const [, ui = '', user = '', password = ''] = await first.waitFor(/Management UI {2}(\S+) {3}login (\S+) \/ (\S+)/);
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const queues = await fetch(`${ui}/api/queues`, { headers: { authorization, connection: 'close' } });
    expect(queues.status).toBe(200);

    // A second one on the same data is refused and disturbs nothing.
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.output).toMatch(/already runs on this data directory \(process \d+, API at http/);

    // A service that dies is started again, and that is said.
    const inventory = processes.find(({ name }) => name === 'inventory-2');
    process.kill(inventory?.pid ?? Number.NaN, 'SIGKILL');
    await first.waitFor(/inventory-2 ended \(killed by SIGKILL\); it starts again in 1 s/);
    await first.waitFor(/inventory-2 runs again/);

    // The supervisor itself is killed: the next start, of all services now, copes with whatever is still there.
    process.kill(runState().pid, 'SIGKILL');
    await first.exited;
    const third = start(['--all']);
    await third.waitFor(/Warren is ready/);
    expect(await statusOf(orderUrl)).toBe('confirmed');
    const paidUrl = await placeOrder(third);
    await becomesConfirmed(paidUrl);
    await waitUntil(async () => (await orderAt(paidUrl)).paymentStatus === 'paid', { what: 'the order to be paid' });
    const [, userUrl = ''] = await third.waitFor(/user {11}(http:\S+)/);
    expect(userUrl).toBe(`http://localhost:${ports.USER_PORT}`);
    expect(await registerUser(userUrl)).toBe(201);
    const [, mailsUrl = ''] = await third.waitFor(/Mails {10}(http:\S+)/);
    expect(runState().mailsUrl).toBe(mailsUrl);
    const [welcome] = await waitUntil(async () => {
      const mails = await caughtMails(mailsUrl);
      return mails.length > 0 ? mails : undefined;
    });
    expect(welcome).toMatchObject({ to: 'John Doe <john@example.com>', subject: 'Welcome, John Doe' });
    const [, analyticsUrl = ''] = await third.waitFor(/analytics {6}(http:\S+)/);
    expect(runState().urls?.analytics).toBe(analyticsUrl);
    await waitUntil(async () => (await countsOf(analyticsUrl)).UserRegistered === 1, {
      what: 'the user to be counted',
    });
    expect(await stopped(third)).toBe(0);
    expect(existsSync(runFile())).toBe(false);
    await nothingIsLeft(first, second, third);
  });

  test('when it is asked to stop while the broker starts, then it stops everything and exits 0', async () => {
    const command = start();
    await command.waitFor(/Starting RabbitMQ/);
    await waitUntil(() => runState().processes.some(({ name }) => name === 'rabbitmq'), { what: 'the broker process' });
    command.signal('SIGTERM');
    expect(await command.exited).toBe(0);
    await nothingIsLeft(command);
  });
});

describe('npm start with a fault', () => {
  const own = () => ({ AMQP_URL: testEnvironment().amqpUrl, DATABASE_URL: testEnvironment().databaseUrl });

  afterEach(async () => {
    await nothingIsLeft(...started);
    expect(existsSync(runFile())).toBe(false);
    started = [];
  });

  async function failure(env: Record<string, string>): Promise<string> {
    const command = start([], env);
    expect(await command.exited).not.toBe(0);
    const [, ...messages] = command.output.split('✗ ');
    expect(messages).toHaveLength(1);
    return messages[0] ?? '';
  }

  test('when a setting is wrong, then it says which one in the words of the service', async () => {
    expect(await failure({ ...own(), LOG_LEVEL: 'loud' })).toMatch(/LOG_LEVEL must be one of .*, not "loud"/);
  });

  test('when a port is taken, then it names the port and the setting', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(Number(ports.ORDER_PORT), resolve));
    try {
      const message = await failure(own());
      expect(message).toContain(`Port ${ports.ORDER_PORT} for the order service is taken`);
      expect(message).toContain('ORDER_PORT=');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
