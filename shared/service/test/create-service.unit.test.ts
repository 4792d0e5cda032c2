import { expect, test } from '@jest/globals';
import { defineProjection } from '@warren/event-store';
import { post, strictObject } from '@warren/http';
import { silentLogger } from '@warren/kernel';
import {
  createService,
  defineJob,
  defineService,
  on,
  type ServiceInside,
  settingsOf,
  topologyOf,
} from '@warren/service';
import { Type } from 'typebox';
import { aggregateOf, bell } from './bell-aggregate.ts';

const base = { name: 'porter', port: 3999, aggregates: [bell] } as const;
const env = { AMQP_URL: 'amqp://localhost', DATABASE_URL: 'postgres://localhost/porter', PORTER_PORT: '0' };
const create = (service: Parameters<typeof createService>[0]) => () =>
  createService(service, { env, logger: silentLogger });

test('when a declaration is valid, then the service is assembled without connecting', () => {
  const service = create(defineService(base))();
  expect(service.lifecycle.state).toBe('created');
});

test('when a projection is of an aggregate that the service does not have, then creating the service throws', () => {
  const tables = { name: 'chimes', tables: ['chimes'], rebuildable: true };
  const projections = [defineProjection(aggregateOf('chime'), tables, () => [])];
  expect(create(defineService({ ...base, projections }))).toThrow('the projection chimes is of chime');
});

test('when a route takes Idempotency-Keys but the service stores none, then creating the service throws', () => {
  const spec = { body: strictObject({}), answer: Type.Object({}), idempotent: true };
  const routes = [post('/bells', spec, async () => ({}))];
  expect(create(defineService({ ...base, routes }))).toThrow('POST /bells takes an Idempotency-Key');
  expect(create(defineService({ ...base, routes, idempotencyKeys: { madeColumn: 'bell_id' } }))).not.toThrow();
});

test('when a request is to be shed that no route answers, then creating the service throws; one that sheds has the setting for it', () => {
  const routes = [post('/bells', { body: strictObject({}), answer: Type.Object({}) }, async () => ({}))];
  expect(create(defineService({ ...base, routes, sheds: ['POST /chimes'] }))).toThrow('POST /chimes is to be shed');
  const ring = post('/bells/:id/rings', { body: strictObject({}), answer: Type.Object({}) }, async () => ({}));
  const rung = { routes: [...routes, ring], sheds: ['POST /bells/:id/rings'] };
  expect(create(defineService({ ...base, ...rung }))).toThrow('its path has a parameter');
  const service = defineService({ ...base, routes, sheds: ['POST /bells'] });
  expect(create(service)).not.toThrow();
  expect(Object.keys(settingsOf(service))).toContain('shedAboveMs');
  expect(Object.keys(settingsOf(defineService(base)))).not.toContain('shedAboveMs');
});

test('when settings are missing, then the error names all of them, including those of the kit', () => {
  const service = defineService({ ...base, idempotencyKeys: { madeColumn: 'bell_id' } });
  expect(() => createService(service, { env: {} })).toThrow(/AMQP_URL.*DATABASE_URL/s);
  expect(settingsOf(service).port).toMatchObject({ env: 'PORTER_PORT', default: 3999 });
  expect(Object.keys(settingsOf(service))).toContain('idempotencyKeyKeepMs');
  expect(Object.keys(settingsOf(defineService(base)))).not.toContain('idempotencyKeyKeepMs');
});

test('when a service has dependencies, then they are created once, from its own settings', () => {
  const made: unknown[] = [];
  const dependencies = ({ settings }: { settings: unknown }) => {
    made.push(settings);
    return {};
  };
  create(defineService({ ...base, dependencies }))();
  expect(made).toEqual([expect.objectContaining({ port: 0 })]);
});

test('when a service reads a stream, then it has the settings of streams but not of queues, and cannot read another stream', () => {
  let inside: ServiceInside | undefined;
  const dependencies = (_: object, given: ServiceInside) => {
    inside = given;
    return {};
  };
  const service = defineService({ ...base, reads: [{ stream: 'all', contracts: [] }], dependencies });
  const settings = Object.keys(settingsOf(service));
  expect(settings).toEqual(expect.arrayContaining(['streamMaxAgeMs', 'prefetch', 'maxBatch', 'inboxKeepMs']));
  expect(settings).not.toContain('retryMaxAttempts');
  expect(topologyOf(service).streams).toEqual(['all']);
  create(service)();
  expect(() => inside?.readStream('all', { from: 'first' })).not.toThrow();
  expect(() => inside?.readStream('others', { from: 'first' })).toThrow('the stream others, which it does not declare');
});

test('when an unknown aggregate handles messages, or a queue is declared twice, then creating the service throws', () => {
  const rung = bell.events.Rung;
  const writer = { writes: () => [] };
  const chime = { ...aggregateOf('chime'), idOf: () => '1' };
  expect(create(defineService({ ...base, on: [on(rung, chime)] }))).toThrow('chime handles messages');
  const twice = [on(rung, writer), on(rung, writer)];
  expect(create(defineService({ ...base, on: twice }))).toThrow('two subscriptions have the queue porter_rung');
  expect(create(defineService({ ...base, on: [on(rung, writer)] }))).not.toThrow();
});

test('when a job and a dependency that is a component have the same name, then creating the service throws', () => {
  const dependencies = () => ({ ringer: { health: () => ({ up: true }) } });
  const jobs = [defineJob({ name: 'ringer', everyMs: 1, run: async () => undefined })];
  expect(create(defineService({ ...base, dependencies, jobs }))).toThrow('two components are named ringer');
});

test('when a dependency has the name of a member of every context, then creating the service throws', () => {
  const dependencies = () => ({ store: { start: async () => undefined } });
  expect(create(defineService({ ...base, dependencies: dependencies as never }))).toThrow('store is in every context');
});
