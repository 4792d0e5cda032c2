import { describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '../src/catalogue.ts';
import { EXCHANGES, NOTIFICATION_QUEUES, PAYMENT_QUEUES, QUEUES, SYSTEM_QUEUES } from '../src/topology.ts';

describe('the topology', () => {
  it('when a queue is named, then somebody declares it, bound to a key that some contract publishes', () => {
    const specs = [...SYSTEM_QUEUES, ...PAYMENT_QUEUES, ...NOTIFICATION_QUEUES];
    expect(specs.map((spec) => spec.queue).toSorted()).toEqual(Object.values(QUEUES).toSorted());
    const published = shopCatalogue.contracts.map((contract) => `${contract.exchange} ${contract.routingKey}`);
    for (const { bindings } of specs) {
      for (const binding of bindings) expect(published).toContain(`${binding.exchange} ${binding.routingKey}`);
    }
  });

  it('when a contract is published, then to an exchange of the shop', () => {
    const exchanges = shopCatalogue.contracts.map(({ exchange }) => exchange);
    expect([...new Set(exchanges)].toSorted()).toEqual(Object.values(EXCHANGES).toSorted());
  });
});
