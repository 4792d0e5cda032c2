import { expect, test } from '@jest/globals';
import { dependencyComponents } from '../src/dependency-components.ts';

test('when a dependency has start, stop or health, then it is a component under its name, and the service is degraded while it is down', async () => {
  const calls: string[] = [];
  const gateway = { start: async () => void calls.push('start'), stop: () => void calls.push('stop') };
  const mailer = { health: () => ({ up: false, reason: 'no answer' }) };
  const components = dependencyComponents({ gateway, mailer, letters: { write: () => '' }, limit: 5 });
  expect(components.map(({ name, essential }) => [name, essential])).toEqual([
    ['gateway', false],
    ['mailer', false],
  ]);
  for (const component of components) await component.start?.();
  for (const component of components) await component.stop?.();
  expect(calls).toEqual(['start', 'stop']);
  expect(components[0]?.health).toBeUndefined();
  expect(await components[1]?.health?.()).toEqual({ up: false, reason: 'no answer' });
});
