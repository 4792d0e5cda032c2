import { describe, expect, it } from '@jest/globals';
import {
  NOTIFICATION_QUEUES,
  PAYMENT_QUEUES,
  QUEUES,
  retryName,
  SYSTEM_QUEUES,
  systemCatalogue,
} from '../src/index.ts';

describe('the topology', () => {
  it('when a queue is named, then somebody declares it, bound to a key that some contract publishes', () => {
    const specs = [...SYSTEM_QUEUES, ...PAYMENT_QUEUES, ...NOTIFICATION_QUEUES];
    expect(specs.map((spec) => spec.queue).toSorted()).toEqual(Object.values(QUEUES).toSorted());
    const published = systemCatalogue.contracts.map((contract) => `${contract.exchange} ${contract.routingKey}`);
    for (const { bindings } of specs) {
      for (const binding of bindings) expect(published).toContain(`${binding.exchange} ${binding.routingKey}`);
    }
  });

  it.each([
    [1000, 'retry.1s'],
    [16_000, 'retry.16s'],
    [250, 'retry.250ms'],
    [1500, 'retry.1500ms'],
  ])('when the delay is %d ms, then its queue is %s', (delayMs, name) => {
    expect(retryName(delayMs)).toBe(name);
  });
});
