import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Child, runOrExplain, startService } from '@warren/servers';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import { SERVICES } from '../../scripts/lib/services.mjs';
import { runNpm } from './npm-command.ts';
import { requestAcrossKill } from './shipping-events.ts';

const root = resolve(import.meta.dirname, '../..');
/** What a checkout has beside its sources, and a copy must not share. */
const NOT_COPIED = new Set(['.git', '.data']);
/** Unit tests of what a further service is part of. */
const AFFECTED = [
  'services/shipping',
  'tests/contracts',
  'scripts/test/(compose|plan-processes|services|start-options)',
];
/** How strictly it is checked elsewhere: as everything here, and the declarations of the libraries as well. */
const CHECKED = {
  extends: ['./tsconfig.json', join(root, 'tsconfig.base.json')],
  compilerOptions: { noEmit: true, incremental: false, rootDir: '.', skipLibCheck: false },
  include: ['src', 'test'],
};

/** The commands that docs/building-a-service.md gives under a heading. */
async function commandsUnder(heading: string): Promise<string> {
  const page = await readFile(join(root, 'docs/building-a-service.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code).join('');
}

describe('a service that npx warren new service has written', () => {
  let home: string;
  let checkout: string;
  let elsewhere: string;
  let vhosts: TestVhost[];
  let databases: TestDatabase[];
  const inCheckout = (program: string, ...args: string[]) => runOrExplain(program, args, { cwd: checkout });

  /** The addresses of a broker and a database that nobody else uses. */
  async function addresses(): Promise<{ vhost: TestVhost; env: Record<string, string> }> {
    const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
    vhosts.push(vhost);
    databases.push(database);
    return { vhost, env: { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, SHIPPING_PORT: '0' } };
  }

  beforeAll(async () => {
    [vhosts, databases] = [[], []];
    home = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'new-service-'));
    [checkout, elsewhere] = [join(home, 'warren'), join(home, 'our-system')];
    await mkdir(checkout);
    const copied = (await readdir(root)).filter((name) => !NOT_COPIED.has(name));
    // With the node modules: npm links the new package into them, and must not touch ours.
    await runOrExplain('cp', ['-R', ...copied, checkout], { cwd: root });
    await inCheckout(process.execPath, 'cli/bin/warren.mjs', 'new', 'service', 'shipping');
  });
  afterAll(async () => {
    await Promise.all([...databases.map((one) => one.drop()), ...vhosts.map((one) => one.close())]);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });

  it('when the checkout is checked, then the new service passes with all the others', async () => {
    await inCheckout('npm', 'run', '--silent', 'lint');
    await inCheckout('npm', 'run', '--silent', 'rules');
    await inCheckout('npm', 'run', '--silent', 'unit', '--', ...AFFECTED);
  });

  it('when npm start runs it with all others, then an event in makes an event out, once, also when it is killed', async () => {
    const { vhost, env } = await addresses();
    const settings = [...SERVICES.map(({ portSetting }) => portSetting), 'MAIL_CATCHER_PORT', 'MAIL_CATCHER_SMTP_PORT'];
    const ports = Object.fromEntries(settings.map((setting) => [setting, '0']));
    const dataDir = join(home, 'data');
    const system = runNpm(['--prefix', checkout, 'start', '--', '--all'], dataDir, { ...ports, ...env });
    try {
      await system.waitFor(/Warren is ready/);
      const { processes } = JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8'));
      const { pid } = processes.find(({ name }: { name: string }) => name === 'shipping');
      const completed = await requestAcrossKill(vhost, {
        async kill() {
          process.kill(pid, 'SIGKILL');
          await system.waitFor(/shipping ended \(killed by SIGKILL\)/);
        },
        restart: () => system.waitFor(/shipping runs again/),
      });
      expect(completed).toEqual(['1', '2']);

      const [send = '', look = ''] = (await commandsUnder('Run it here')).split(/^(?=npx)/m);
      const terminal = { cwd: checkout, env: { ...process.env, DATA_DIR: dataDir } };
      await runOrExplain('sh', ['-euc', send], terminal);
      const seen = () => runOrExplain('sh', ['-euc', look], terminal);
      await waitUntil(async () => (await seen()).includes('ShippingCompleted'), { what: 'the event out' });
    } finally {
      system.signal('SIGINT');
      await system.exited;
    }
    expect(await system.exited).toBe(0);
    expect(system.leftovers()).toEqual([]);
  });

  it('when its folder and the packed kit are all that there is, then it compiles, passes its tests, and does the same', async () => {
    const env = { ...process.env, npm_config_prefer_offline: 'true' };
    await runOrExplain('sh', ['-euc', await commandsUnder('Outside this repository')], { cwd: checkout, env });
    await writeFile(join(elsewhere, 'services/shipping/tsconfig.checked.json'), JSON.stringify(CHECKED));
    await runOrExplain('npx', ['tsc', '-p', 'services/shipping/tsconfig.checked.json'], { cwd: elsewhere });

    const { vhost, env: settings } = await addresses();
    const output: string[] = [];
    const start = () =>
      startService({
        name: 'shipping',
        main: 'services/shipping/dist/main.js',
        root: elsewhere,
        env: { ...process.env, ...settings },
        onLine: (line) => void output.push(line),
      });
    let service: Child = await start();
    try {
      const restart = async () => {
        service = await start();
      };
      expect(await requestAcrossKill(vhost, { kill: () => service.kill(), restart })).toEqual(['1', '2']);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    } finally {
      await service.kill();
    }
  });
});
