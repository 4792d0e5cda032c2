import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TOPOLOGY } from '@shop/events/topology';
import { silentLogger } from '@warren/kernel';
import { createService } from '@warren/service';
import { createTestVhost, testEnvironment, uniqueName, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { main } from '../../cli/src/main.ts';
import { createRecordingTerminal } from '../../cli/test/recording-terminal.ts';
import { checkBroker, checkDatabase } from '../../scripts/lib/external-services.mjs';
import { createReport } from '../../scripts/lib/report.mjs';
import type { StartContext } from '../../scripts/lib/start.mjs';
import { startBroker, startDatabase } from '../../scripts/lib/start-servers.mjs';
import { inventoryService } from '../../services/inventory/src/service.ts';

const PASSWORD = 'p@ss%ü/1';
const ODD = '@%ü/#+ ';

let env: { AMQP_URL: string; DATABASE_URL: string; MANAGEMENT_URL: string };
let admin: pg.Client;
let user: string;
let database: string;
let removeFromBroker: () => Promise<void>;

/** The URL with another login and path, each percent-encoded as RFC 3986 says. */
function addressed(url: string, path: string): string {
  const odd = new URL(url);
  odd.username = encodeURIComponent(user);
  odd.password = encodeURIComponent(PASSWORD);
  odd.pathname = encodeURIComponent(path);
  return odd.href;
}

beforeAll(async () => {
  user = uniqueName(`u${ODD}`);
  database = uniqueName(`d${ODD}`);
  const vhost = uniqueName(`v${ODD}`);
  const { amqpUrl, managementUrl, databaseUrl } = testEnvironment();
  const { management } = await createTestVhost();
  const [vhostPath, userPath] = [`/vhosts/${encodeURIComponent(vhost)}`, `/users/${encodeURIComponent(user)}`];
  await management('PUT', vhostPath);
  await management('PUT', userPath, { password: PASSWORD, tags: 'administrator' });
  const all = { configure: '.*', write: '.*', read: '.*' };
  await management('PUT', `/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`, all);
  removeFromBroker = () => management('DELETE', userPath);

  admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  const [role, name] = [user, database].map(pg.escapeIdentifier);
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(PASSWORD)}`);
  await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
  env = {
    AMQP_URL: addressed(amqpUrl, vhost),
    DATABASE_URL: addressed(databaseUrl, database),
    MANAGEMENT_URL: addressed(managementUrl, ''),
  };
});

afterAll(async () => {
  await removeFromBroker();
  await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${pg.escapeIdentifier(user)}`);
  await admin.end();
});

async function warren(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ ...env, DATA_DIR: uniqueName('/nowhere') });
  return { code: await main(argv, terminal), ...written };
}

describe('an address that leads nowhere', () => {
  it.each([
    ['AMQP_URL', startBroker, 'amqp://nobody@127.0.0.1:1'],
    ['DATABASE_URL', startDatabase, 'postgres://nobody@127.0.0.1:1/none'],
  ])('when %s is such, then npm start says so, and why it cannot be used', async (setting, start, url) => {
    const report = createReport({ out: new PassThrough().resume() });
    const context = { env: { [setting]: url }, report } as Partial<StartContext> as StartContext;
    await expect(start(context)).rejects.toThrow(
      new RegExp(`${setting} points to 127\\.0\\.0\\.1:1, which cannot be used: .*ECONNREFUSED`),
    );
  });
});

describe('a login, a virtual host, and a database whose names are percent-encoded in the URL', () => {
  it('when npm start checks them, then it gets in', async () => {
    await checkBroker(env.AMQP_URL);
    await checkDatabase(env.DATABASE_URL);
  });

  it('when a service starts with them, then it is ready, and the command line works on the same broker and database', async () => {
    const inventory = { ...env, INVENTORY_PORT: '0', INITIAL_STOCK: 'item1:3' };
    const service = createService(inventoryService, { env: inventory, logger: silentLogger, topology: TOPOLOGY });
    await service.lifecycle.start();
    try {
      await waitUntilReady(service);
      expect(await warren('dlq', 'list')).toEqual({ code: 0, out: 'There are no such dead letters.\n', err: '' });
      expect(await warren('stock', 'list')).toMatchObject({ code: 0, out: expect.stringContaining('item1') });
    } finally {
      await service.lifecycle.stop();
    }
  });
});
