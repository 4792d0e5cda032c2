import type { Service } from '@warren/kernel';
import { waitUntil } from './wait-until.ts';

/**
 * Resolves when every component of the service is up.
 * @throws when a component is not up within 30 s; the message has the state of each
 */
export async function waitUntilReady({ lifecycle }: Pick<Service, 'lifecycle'>): Promise<void> {
  const isReady = async () => {
    const readiness = await lifecycle.readiness();
    if (!readiness.ready) throw new Error(JSON.stringify(readiness));
    return true;
  };
  await waitUntil(isReady, { what: 'a ready service' });
}
