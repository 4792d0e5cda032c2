import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { OrderCreated, OrderCreatedV1 } from '@shop/events/order';
import { EXCHANGES } from '@shop/events/topology';
import { createEvent, type ReleasedContract, requireCompatible, toJsonSchema } from '@warren/contracts';
import { Compile } from 'typebox/schema';
import { parse } from 'yaml';
import { CORE_QUEUES } from '../program/shop-queues.ts';
import { createAsyncApi } from './async-api.ts';
import { generateDocuments, RELEASED } from './documents.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const list = (folder: string): string[] => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);

const { version } = JSON.parse(read('package.json'));
const documents = await generateDocuments(version);
const asyncApi = parse(documents.get('docs/asyncapi.yaml') ?? '');

describe('the documents of the events', () => {
  it.each([...documents])(
    'when npm run generate writes %s, then the repository already has the same text',
    (path, text) => {
      expect(read(path)).toBe(text);
    },
  );

  it('when a contract is gone, then its document is gone too', () => {
    const ofEvents = [...documents.keys()].filter((path) => /^docs\/(asyncapi|schemas)/.test(path));
    expect(['docs/asyncapi.yaml', ...list('docs/schemas')].toSorted()).toEqual(ofEvents.toSorted());
  });

  it('when another program validates by a schema, then it takes what the contract takes, and nothing else', () => {
    const data = { id: 'o', customerId: 'c', items: [{ productId: 'p', quantity: 1 }], status: 'pending' as const };
    const createdAt = '2026-01-01T00:00:00.000Z';
    const source = 'order';
    const first = createEvent(OrderCreatedV1, { aggregateId: 'o', source, data: { ...data, createdAt } });
    const latest = createEvent(OrderCreated, {
      aggregateId: 'o',
      source,
      data: { ...data, createdAt, currency: 'EUR' },
    });
    const [isFirst, isLatest] = [OrderCreatedV1, OrderCreated].map((one) => Compile(toJsonSchema(one)));
    expect([isFirst?.Check(first), isLatest?.Check(latest)]).toEqual([true, true]);
    expect([isFirst?.Check(latest), isLatest?.Check(first)]).toEqual([false, false]);
    expect(isLatest?.Check({ ...latest, data: { ...latest.data, currency: 'euro' } })).toBe(false);
    expect(isLatest?.Check({ ...latest, metadata: {} })).toBe(false);
  });

  it('when the AsyncAPI document refers to a part of itself, then the part is there', () => {
    const refs = [...JSON.stringify(asyncApi).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? '');
    const missing = refs.filter((path) => !path.split('/').reduce((node, key) => node?.[key], asyncApi));
    expect(refs.length).toBeGreaterThan(shopCatalogue.contracts.length);
    expect(missing).toEqual([]);
  });

  it('when an event has two versions, then its one channel carries both', () => {
    expect(Object.keys(asyncApi.channels['orders.order.created'].messages)).toEqual([
      'OrderCreated.v2',
      'OrderCreated.v1',
    ]);
  });

  it('when a queue listens, then it receives from each channel that it is bound to', () => {
    const all = { queue: 'audit', bindings: [{ exchange: EXCHANGES.orders, routingKey: 'order.#' }] };
    const { contracts } = shopCatalogue;
    const { operations } = createAsyncApi({ contracts, queues: [...CORE_QUEUES, all], version });
    expect(Object.keys(operations as object).filter((name) => !name.startsWith('publish.'))).toEqual([
      ...CORE_QUEUES.map(({ queue }) => queue),
      ...['created', 'updated', 'cancelled', 'paid', 'shipped'].map((what) => `audit.orders.order.${what}`),
    ]);
  });
});

describe('the released versions', () => {
  const releasedAt = (path: string): ReleasedContract => JSON.parse(read(path));

  it.each(list(RELEASED))('when %s is held against the contracts, then it still holds', (path) => {
    requireCompatible(releasedAt(path), shopCatalogue);
  });
});
