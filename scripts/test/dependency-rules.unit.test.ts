import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGES = ['kernel', 'contracts', 'event-bus', 'event-store', 'http', 'servers', 'service', 'testing'];

/** For each rule a file that breaks it, with its imports. */
const BAD: Record<string, { file: string; imports: string[] }> = {
  'kit-direction-kernel': { file: 'shared/kernel/src/bad.ts', imports: ['@warren/contracts'] },
  'kit-direction-contracts': { file: 'shared/contracts/src/bad.ts', imports: ['@warren/event-bus'] },
  'kit-direction-event-bus': { file: 'shared/event-bus/src/bad.ts', imports: ['@warren/event-store'] },
  'kit-direction-event-store': { file: 'shared/event-store/src/bad.ts', imports: ['@warren/http'] },
  'kit-direction-http': { file: 'shared/http/src/bad.ts', imports: ['@warren/event-bus'] },
  'kit-direction-service': { file: 'shared/service/src/bad.ts', imports: ['../../../cli/src/good.ts'] },
  'kit-direction-servers': { file: 'shared/servers/src/bad.mjs', imports: ['@warren/kernel'] },
  'kit-direction-testing': { file: 'shared/testing/src/bad.ts', imports: ['../../../services/order/src/config.ts'] },
  'no-import-past-index': {
    file: 'services/order/src/past-index.ts',
    imports: ['../../../shared/kernel/src/inner.ts'],
  },
  'kit-knows-no-shop': { file: 'shared/kernel/test/bad.unit.test.ts', imports: ['@shop/events/order'] },
  'only-tests-import-testing': { file: 'services/order/src/uses-testing.ts', imports: ['@warren/testing'] },
  'only-scripts-and-tests-import-servers': { file: 'cli/src/uses-servers.ts', imports: ['@warren/servers'] },
  'services-apart': { file: 'services/order/src/uses-inventory.ts', imports: ['../../inventory/src/config.ts'] },
  'events-are-data': { file: 'services/events/src/bad.ts', imports: ['@warren/kernel'] },
  'nobody-imports-a-service': { file: 'cli/src/bad.ts', imports: ['@shop/events/order'] },
  'no-import-past-cli': { file: 'services/order/src/commands.ts', imports: ['../../../cli/src/good.ts'] },
  'domain-pure': { file: 'services/order/src/domain/bad.ts', imports: ['node:crypto', 'pg', '../application/good.ts'] },
  'application-below-adapters': {
    file: 'services/order/src/application/bad.ts',
    imports: ['@warren/http', '../config.ts'],
  },
  'application-without-libraries': { file: 'services/order/src/application/bad-library.ts', imports: ['pg'] },
  'adapters-below-service': { file: 'services/order/src/adapters/bad.ts', imports: ['../config.ts'] },
  'only-service-builds-adapters': { file: 'services/order/src/main.ts', imports: ['./adapters/good.ts'] },
  'nobody-imports-main': { file: 'services/order/src/imports-main.ts', imports: ['./main.ts'] },
  'scripts-without-modules': { file: 'scripts/bad.mjs', imports: ['pg'] },
  'nobody-imports-scripts': { file: 'shared/testing/src/uses-scripts.ts', imports: ['../../../scripts/good.mjs'] },
  'no-development-packages': { file: 'shared/kernel/src/uses-development.ts', imports: ['jest'] },
  'no-undeclared-packages': { file: 'shared/kernel/src/uses-undeclared.ts', imports: ['undeclared'] },
  'no-unresolvable': { file: 'shared/kernel/src/unresolvable.ts', imports: ['./nowhere.ts'] },
  'no-cycles': { file: 'shared/kernel/src/cycle-a.ts', imports: ['./cycle-b.ts'] },
};

/** Files that break nothing: what the bad ones import, and what the design allows. */
const GOOD: Record<string, string[]> = {
  'shared/kernel/src/inner.ts': [],
  'shared/kernel/src/cycle-b.ts': [],
  'shared/event-bus/src/good.ts': ['@warren/kernel', '@warren/contracts'],
  'shared/event-bus/test/good.unit.test.ts': ['@warren/testing', '../src/good.ts', 'jest'],
  'shared/service/src/good.ts': ['@warren/event-bus', '@warren/event-store', '@warren/http'],
  'shared/servers/src/good.mjs': ['node:fs'],
  'shared/testing/src/good.ts': ['@warren/servers', '@warren/event-store'],
  'services/events/src/order.ts': ['@warren/contracts', 'typebox'],
  'services/inventory/src/config.ts': ['@warren/kernel'],
  'services/order/src/config.ts': ['@warren/kernel', './domain/good.ts'],
  'services/order/src/domain/good.ts': ['@warren/kernel', '@warren/contracts', '@shop/events/order'],
  'services/order/src/application/good.ts': [
    '../domain/good.ts',
    '@shop/events/order',
    '@warren/event-store',
    '@warren/service',
    'typebox',
    'node:crypto',
  ],
  'services/order/src/adapters/good.ts': [
    '../application/good.ts',
    '../domain/good.ts',
    '@shop/events/order',
    '@warren/http',
    'pg',
  ],
  'services/order/src/service.ts': ['./adapters/good.ts', './application/good.ts', './config.ts', '@warren/service'],
  'services/order/test/good.unit.test.ts': ['../src/adapters/good.ts', '../src/service.ts', '@warren/testing'],
  'cli/src/good.ts': ['@warren/event-bus', 'pg'],
  'cli/src/index.ts': ['./good.ts'],
  'cli/src/usage/index.ts': ['../good.ts'],
  'cli/test/good.unit.test.ts': ['@shop/events/order', '../../services/order/src/service.ts'],
  'services/commands/src/commands.ts': ['../../../cli/src/usage/index.ts', '@shop/events/order'],
  'services/commands/test/good.integration.test.ts': ['../../order/src/service.ts'],
  'services/commands/src/good.ts': ['../../../cli/src/index.ts', '@warren/contracts'],
  'scripts/good.mjs': ['node:fs', '../shared/servers/src/index.mjs'],
  'tests/e2e/good.e2e.test.ts': [
    '../../services/order/src/config.ts',
    '../../scripts/good.mjs',
    '@warren/testing',
    '@shop/events/order',
  ],
};

interface Violation {
  rule: { name: string };
  from: string;
}

const tree = realpathSync(mkdtempSync(join(tmpdir(), 'warren-rules-')));
let violations: Violation[];

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

const importing = (imports: string[]) =>
  `${imports.map((path) => `import '${path}';`).join('\n')}\nexport const it = 1;\n`;

beforeAll(async () => {
  for (const name of PACKAGES) {
    const index = name === 'servers' ? './src/index.mjs' : './src/index.ts';
    const exports = { '.': { '@warren/source': index } };
    write(
      `shared/${name}/package.json`,
      JSON.stringify({ name: `@warren/${name}`, exports, devDependencies: { jest: '1' } }),
    );
    write(`shared/${name}/${index}`, importing([]));
    mkdirSync(join(tree, 'node_modules/@warren'), { recursive: true });
    symlinkSync(join(tree, 'shared', name), join(tree, 'node_modules/@warren', name));
  }
  const packages = ['@shop/events', ...PACKAGES.map((name) => `@warren/${name}`), 'pg', 'typebox'];
  const uses = Object.fromEntries(packages.map((name) => [name, '1']));
  const events = { name: '@shop/events', exports: { './*': { '@warren/source': './src/*.ts' } }, dependencies: uses };
  write('services/events/package.json', JSON.stringify(events));
  mkdirSync(join(tree, 'node_modules/@shop'), { recursive: true });
  symlinkSync(join(tree, 'services/events'), join(tree, 'node_modules/@shop/events'));
  for (const path of ['services/order', 'services/inventory', 'services/commands', 'cli', 'scripts']) {
    write(`${path}/package.json`, JSON.stringify({ name: path, dependencies: uses }));
  }
  write('package.json', JSON.stringify({ name: 'tree', devDependencies: { jest: '1', ...uses } }));
  for (const name of ['pg', 'typebox', 'jest', 'undeclared']) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    write(`node_modules/${name}/index.js`, '');
  }
  for (const [file, imports] of Object.entries(GOOD)) write(file, importing(imports));
  for (const { file, imports } of Object.values(BAD)) write(file, importing(imports));
  write('shared/kernel/src/cycle-b.ts', importing(['./cycle-a.ts']));
  violations = await cruise();
});

afterAll(() => rmSync(tree, { recursive: true }));

function cruise(): Promise<Violation[]> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(ROOT, '.dependency-cruiser.mjs');
  const args = [program, '--config', config, '--output-type', 'json', 'shared', 'services', 'cli', 'scripts', 'tests'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: tree, maxBuffer: 50_000_000 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr, { cause: error }));
      else resolve(JSON.parse(stdout).summary.violations);
    });
  });
}

test.each(Object.entries(BAD))('when a file breaks %s, then that rule says so', (rule, { file }) => {
  const broken = violations.filter(({ from }) => from === file).map((violation) => violation.rule.name);
  expect(broken).toContain(rule);
});

test('when files keep to the design, then no rule complains', () => {
  const good = violations.filter(({ from }) => from in GOOD && from !== 'shared/kernel/src/cycle-b.ts');
  expect(good).toEqual([]);
});

test('when a rule is added, then this test has a file that breaks it', async () => {
  const { default: config } = await import('../../.dependency-cruiser.mjs');
  expect(Object.keys(BAD).sort()).toEqual(config.forbidden.map(({ name }: { name: string }) => name).sort());
});
