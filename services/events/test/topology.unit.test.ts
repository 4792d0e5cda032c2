import { expect, test } from '@jest/globals';
import { shopCatalogue } from '../src/catalogue.ts';
import { EXCHANGES } from '../src/topology.ts';

test('when a contract is published, then to an exchange of the shop', () => {
  const exchanges = shopCatalogue.contracts.map(({ exchange }) => exchange);
  expect([...new Set(exchanges)].toSorted()).toEqual(Object.values(EXCHANGES).toSorted());
});
