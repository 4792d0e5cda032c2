import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { EXCHANGES, QUEUES } from '@shop/events/topology';
import { SYSTEM_EXCHANGE, systemEvents } from '@warren/contracts';
import { type DefinedService, topologyOf } from '@warren/service';
import { declaredServices } from './topologies.ts';

const root = join(import.meta.dirname, '../..');
const kit = readdirSync(join(root, 'shared')).map((name) => join(root, 'shared', name));
const sources = [...kit, join(root, 'cli')].flatMap((folder) =>
  readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => join(folder, 'src', name)),
);

const own: readonly unknown[] = systemEvents;
const contracts = shopCatalogue.contracts.filter((contract) => !own.includes(contract));
const exchanges: string[] = Object.values(EXCHANGES).filter((exchange) => exchange !== SYSTEM_EXCHANGE);

/** Names that mean nothing but what the shop calls so. */
let names: string[];
/** Names that are words as well: they are looked for in quotes. */
let words: string[];
beforeAll(async () => {
  // A service that is added to this checkout may have any names of its own.
  const isOfShop = (service: DefinedService) => topologyOf(service).publishes.some((one) => exchanges.includes(one));
  const aggregates = (await declaredServices()).filter(isOfShop).flatMap((service) => service.aggregates);
  const types = new Set<string>(contracts.map(({ type }) => type));
  for (const { events } of aggregates) for (const type of Object.keys(events)) types.add(type);
  names = [...types, ...Object.values(QUEUES)];
  words = [
    ...exchanges,
    ...contracts.map(({ routingKey }) => routingKey),
    ...aggregates.map(({ category }) => category),
  ];
});

test('when the names of the shop are gathered, then there are contracts, queues, exchanges and categories', () => {
  expect(names).toEqual(expect.arrayContaining(['OrderCreated', 'inventory_order_created']));
  expect(words).toEqual(expect.arrayContaining(['orders', 'order.created', 'reservation']));
});

test('when the sources of the kit and of the command line are searched, then no name of the shop is spelt there', () => {
  const quoted = words.map((word) => word.replaceAll('.', '\\.')).join('|');
  const spelt = new RegExp(`\\b(?:${names.join('|')})\\b|['"\`](?:${quoted})(?:['"\`]|-)`);
  const found = sources.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        spelt.test(line) ? [`${path.slice(root.length + 1)}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(sources.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});
