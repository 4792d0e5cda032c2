import { expect, it } from '@jest/globals';
import type { EventEnvelope } from '@warren/contracts';
import { waitUntil } from '@warren/testing';
import { createSystemEvents } from '../src/index.ts';

it('when the broker is back in the middle of a look, then what is heard of the instance begins with its start all the same', async () => {
  const heard: string[] = [];
  let tries = 0;
  const events = createSystemEvents({
    bus: {
      async tell({ type }: EventEnvelope) {
        tries += 1;
        if (tries === 1) return { status: 'unsent', reason: 'not sent: the bus cannot publish now' };
        heard.push(type);
        return { status: 'confirmed' };
      },
    },
    service: 'shop',
    errors: { onError: () => undefined },
    readiness: async () => ({ ready: true, state: 'started', components: {} }),
    lookEveryMs: 5,
  });
  await events.start?.();
  await waitUntil(() => heard.includes('HealthChanged'));
  await events.stop?.();
  expect(heard).toEqual(['ServiceStarted', 'HealthChanged', 'ServiceStopping']);
});
