import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadSettings, type SettingsSpec } from '@warren/kernel';
import { settingsOf } from '@warren/service';
import { parse } from 'yaml';
import { withServices } from '../../tests/contracts/compose-file.ts';
import { declaredServices } from '../../tests/contracts/topologies.ts';
import { SERVICES } from '../lib/services.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const example = readFileSync(join(ROOT, '.env.example'), 'utf8');

interface ComposeService {
  profiles?: string[];
  image?: string;
  build?: string;
  command?: string[];
  /** One without a value is taken from the shell or from .env. */
  environment: Record<string, string | number | null>;
  healthcheck: { test: string[] };
  ports?: string[];
  expose?: number[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
}

const compose = parse(text, { merge: true }) as {
  services: Record<'rabbitmq' | 'postgres' | 'mailpit', ComposeService> & Record<string, ComposeService>;
  volumes: Record<string, unknown>;
};
/** What each service reads. */
const SETTINGS = new Map<string, SettingsSpec>(
  (await declaredServices()).map((service) => [service.name, settingsOf(service)]),
);

/** What docker compose would put in place of `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
function interpolate(value: string | number | null, env: Record<string, string>): string {
  return String(value).replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) => {
    const found = env[name] ?? (kind === '-' ? rest : undefined);
    if (found === undefined) throw new Error(`${name}: ${rest}`);
    return found;
  });
}

const exampleEnv = Object.fromEntries(
  example
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => line.split('=') as [string, string]),
);

test('when a topology.json has changed, then the compose file follows by npm run generate', () => {
  expect(text).toBe(withServices(text, SERVICES));
});

describe.each(SERVICES)(
  'the $name service in docker-compose.yml',
  ({ name, portSetting, defaultPort, core, ...entry }) => {
    const service = compose.services[name] as ComposeService;
    const environment = () =>
      Object.fromEntries(
        Object.entries(service.environment)
          .filter(([, value]) => value !== null)
          .map(([key, value]) => [key, interpolate(value, exampleEnv)]),
      );

    test('when it reads a setting, then its topology.json has it', () => {
      const read = Object.values(SETTINGS.get(name) ?? {}).map(({ env }) => env);
      expect(entry.settings).toEqual(read.toSorted());
    });

    test('when a setting is set in .env or in the shell, then it reaches the service', () => {
      expect(Object.keys(service.environment)).toEqual(expect.arrayContaining(entry.settings));
    });

    test('when no profile is chosen, then it runs only if it belongs to the core', () => {
      expect(service.profiles).toEqual(core ? undefined : ['full']);
    });

    test('when it starts with .env.example, then its settings are complete and right', () => {
      const settings = SETTINGS.get(name);
      expect(settings && loadSettings(settings, environment())).toMatchObject({ port: defaultPort });
    });

    test('when it is asked whether it is ready, then on the port that it is given', () => {
      const port = environment()[portSetting];
      expect(port).toBe(String(defaultPort));
      expect(service.healthcheck.test.join(' ')).toContain(`http://127.0.0.1:${port}/health/ready`);
      const opened = [...(service.ports ?? []), ...(service.expose ?? [])].map((one) => String(one).split(':').at(-1));
      expect(opened).toEqual([port]);
    });

    test('when it runs, then as the one image with its name, which does not run it as root', () => {
      expect(service).toMatchObject({ image: 'warren', build: '.', command: [name] });
      expect(dockerfile.split(/^FROM /m).at(-1)).toContain('USER node\nENTRYPOINT');
      expect(dockerfile).toContain('services/$0/dist/main.js');
    });

    test('when it starts, then after a healthy broker and database', () => {
      expect(service.depends_on).toEqual({
        rabbitmq: { condition: 'service_healthy' },
        postgres: { condition: 'service_healthy' },
      });
    });

    test('when it opens connections, then with the login that broker and database are given', () => {
      const { AMQP_URL = '', DATABASE_URL = '' } = environment();
      const broker = compose.services.rabbitmq.environment;
      const database = compose.services.postgres.environment;
      const amqp = new URL(AMQP_URL);
      expect([amqp.hostname, amqp.username, amqp.password]).toEqual([
        'rabbitmq',
        broker.RABBITMQ_DEFAULT_USER,
        interpolate(broker.RABBITMQ_DEFAULT_PASS ?? '', exampleEnv),
      ]);
      const postgres = new URL(DATABASE_URL);
      expect([postgres.hostname, postgres.username, postgres.password, postgres.pathname]).toEqual([
        'postgres',
        database.POSTGRES_USER,
        interpolate(database.POSTGRES_PASSWORD ?? '', exampleEnv),
        `/${database.POSTGRES_DB}`,
      ]);
    });
  },
);

describe('the broker and the database in docker-compose.yml', () => {
  test.each(['rabbitmq', 'postgres'] as const)(
    'when %s runs, then it has a health check, a volume, and listens on loopback',
    (name) => {
      const { healthcheck, volumes = [], ports = [] } = compose.services[name];
      expect(healthcheck.test[0]).toBe('CMD');
      expect(volumes).toHaveLength(1);
      expect(Object.keys(compose.volumes)).toContain(volumes[0]?.split(':')[0]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    },
  );

  test('when no password is set, then nothing starts and the message says where to set it', () => {
    const secrets = Object.values(compose.services).flatMap(({ environment }) =>
      Object.values(environment).filter((value) => /PASSWORD/.test(String(value))),
    );
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(() => interpolate(secret, {})).toThrow('.env.example');
    expect(text).not.toMatch(/guest|PASS(WORD)?:-/);
  });
});

describe('the mail catcher in docker-compose.yml', () => {
  test('when all services run, then it shows the mails on loopback', () => {
    const { profiles, ports } = compose.services.mailpit;
    expect(profiles).toEqual(['full']);
    expect(ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:8025:/)]);
  });

  test('when no mail server is given, then the notification service sends its mails there', () => {
    const { SMTP_URL = '' } = (compose.services.notification as ComposeService).environment;
    expect(new URL(interpolate(SMTP_URL, exampleEnv)).hostname).toBe('mailpit');
    expect(interpolate(SMTP_URL, { ...exampleEnv, SMTP_URL: 'smtp://mine' })).toBe('smtp://mine');
  });
});

test('when a service has files of its own that are not compiled, then its image has them', () => {
  expect(dockerfile).toContain('find shared services \\( -name dist -o -name templates \\) -type d');
});

test('when a file is needed to build or to run, then the image may have it', () => {
  const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8');
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
  const folders = new Set(['scripts', ...workspaces.map((workspace) => workspace.split('/')[0])]);
  for (const folder of folders) expect(allowed).toContain(`!${folder}\n`);
});
