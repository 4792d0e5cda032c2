import { expect, it } from '@jest/globals';
import type { EventEnvelope } from '@warren/contracts';
import type { LoggedError, Readiness } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { createSystemEvents } from '../src/system-events/create-system-events.ts';

const ready = async (): Promise<Readiness> => ({
  status: 'ready',
  ready: true,
  since: new Date().toISOString(),
  reasons: [],
  state: 'started',
  components: {},
});

it('when the broker returns in the middle of a check, then the first event of the instance is still its start', async () => {
  const heard: string[] = [];
  let tries = 0;
  const events = createSystemEvents({
    bus: {
      async publishBestEffort({ type }: EventEnvelope) {
        tries += 1;
        if (tries === 1) return { status: 'unsent', reason: 'not sent: the bus cannot publish now' };
        heard.push(type);
        return { status: 'confirmed' };
      },
    },
    service: 'shop',
    errors: { onError: () => undefined },
    readiness: ready,
    lookEveryMs: 5,
  });
  await events.start?.();
  await waitUntil(() => heard.includes('HealthChanged'));
  await events.stop?.();
  expect(heard).toEqual(['ServiceStarted', 'HealthChanged', 'ServiceStopping']);
});

it('when the text of an error is truncated inside a surrogate pair, then the published text can be stored', async () => {
  let report: ((error: LoggedError) => void) | undefined;
  const told: EventEnvelope[] = [];
  createSystemEvents({
    bus: {
      async publishBestEffort(event: EventEnvelope) {
        told.push(event);
        return { status: 'confirmed' };
      },
    },
    service: 'shop',
    errors: {
      onError(listener) {
        report = listener;
      },
    },
    readiness: ready,
  });
  report?.({ severity: 'error', message: `${'x'.repeat(499)}\ud83d\ude00` });
  expect(told).toMatchObject([{ data: { message: `${'x'.repeat(499)}\uFFFD` } }]);
});
