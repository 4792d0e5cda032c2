import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXCHANGES, type QueueSpec } from '@warren/contracts';
import type { ServiceTopology } from './service-topology.ts';

/** The system's queues as one service sees them; all of them can be bound to, and watched for messages that nobody takes. */
export interface SystemTopology {
  /** Declared before the first publish, so that an event finds its queue although the consumer has never run. */
  declared: QueueSpec[];
  /** Of services that do not run everywhere: bound where they exist, and never made, for nobody might empty them. */
  optional: QueueSpec[];
  /** Streams that get everything that is published anywhere: bound where they exist. */
  streams: QueueSpec[];
}

/**
 * Reads the `topology.json` of every folder in a directory.
 * @param directory of the services, e.g. `new URL('../../', import.meta.url)` from a service's `main.ts`
 */
export function readTopologies(directory: URL): ServiceTopology[] {
  const path = fileURLToPath(directory);
  const files = readdirSync(path).map((folder) => join(path, folder, 'topology.json'));
  return files.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * What the topologies of all services together mean for one of them.
 * @param countsOn services that it knows to run, and to consume their optional queues too: it declares all of these
 */
export function systemTopology(
  services: readonly ServiceTopology[],
  { service, countsOn = [] }: { service: string; countsOn?: readonly string[] },
): SystemTopology {
  const known = services.flatMap((one) =>
    one.queues.map(({ optional, ...queue }) => {
      const runs = one.service === service || !one.optional;
      return { queue, isDeclared: countsOn.includes(one.service) || (runs && !optional) };
    }),
  );
  const exchanges = [...new Set([...services.flatMap(({ publishes }) => publishes), EXCHANGES.system])].toSorted();
  return {
    declared: known.filter(({ isDeclared }) => isDeclared).map(({ queue }) => queue),
    optional: known.filter(({ isDeclared }) => !isDeclared).map(({ queue }) => queue),
    streams: services
      .flatMap(({ streams }) => streams)
      .map((queue) => ({ queue, bindings: exchanges.map((exchange) => ({ exchange, routingKey: '#' })) })),
  };
}
