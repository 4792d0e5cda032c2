import { afterAll, beforeAll } from '@jest/globals';
import { TOPOLOGY } from '@shop/events/topology';
import { createId, silentLogger } from '@warren/kernel';
import { createService, type RunnableService } from '@warren/service';
import {
  createTestDatabase,
  createTestVhost,
  type TestDatabase,
  type TestVhost,
  waitUntilReady,
} from '@warren/testing';
import pg from 'pg';
import request, { type Response, type Test } from 'supertest';
import { userService } from '../src/service.ts';

/** One user service in this process. */
export interface RunningUser {
  service: RunnableService;
  /** Supertest on its port. */
  api: ReturnType<typeof request>;
  register(body: unknown, headers?: Record<string, string>): Test;
  changeEmail(id: string, email: unknown): Test;
  deactivate(id: string): Test;
}

export interface UserFixture {
  readonly vhost: TestVhost;
  readonly database: TestDatabase;
  /** A look behind the service, into its schema. */
  readonly tables: pg.Pool;
  first(): RunningUser;
  /** Only where there are two. */
  second(): RunningUser;
}

export interface UserFixtureOptions {
  instances: 1 | 2;
  /** By which way the instances reach the broker. @default the direct one */
  amqpUrl?(direct: string): Promise<string>;
}

/** Instances of the service on a broker and database that only the calling suite uses; started before its tests and stopped after. */
export function useUsers({ instances: count, amqpUrl }: UserFixtureOptions): UserFixture {
  let vhost: TestVhost;
  let database: TestDatabase;
  let tables: pg.Pool;
  let instances: RunningUser[] = [];

  beforeAll(async () => {
    [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
    tables = new pg.Pool({ connectionString: database.url, max: 2, options: '-c search_path=user_service' });
    const brokerUrl = (await amqpUrl?.(vhost.amqpUrl)) ?? vhost.amqpUrl;
    const env = { USER_PORT: '0', AMQP_URL: brokerUrl, DATABASE_URL: database.url };
    instances = await Promise.all(Array.from({ length: count }, () => startUser(env)));
  });
  afterAll(async () => {
    await Promise.all(instances.map(({ service }) => service.lifecycle.stop()));
    await tables?.end();
    await Promise.all([database?.drop(), vhost?.close()]);
  });
  return {
    get vhost() {
      return vhost;
    },
    get database() {
      return database;
    },
    get tables() {
      return tables;
    },
    first: () => instances[0] as RunningUser,
    second: () => instances[1] as RunningUser,
  };
}

async function startUser(env: Record<string, string>): Promise<RunningUser> {
  const service = createService(userService, { env, logger: silentLogger, topology: TOPOLOGY });
  await service.lifecycle.start();
  await waitUntilReady(service);
  const api = request(`http://127.0.0.1:${service.port}`);
  return {
    service,
    api,
    register: (body, headers = {}) =>
      api
        .post('/users')
        .set({ 'Content-Type': 'application/json', ...headers })
        .send(body as string | object),
    changeEmail: (id, email) => api.put(`/users/${id}/email`).send({ email }),
    deactivate: (id) => api.post(`/users/${id}/deactivate`),
  };
}

/** Somebody whom no other test knows. */
export const newUser = () => ({ email: `u-${createId()}@example.com`, name: 'John Doe' });

/** How often each status came. */
export function countStatuses(answers: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
