import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type QueueSpec, SYSTEM_EXCHANGE } from '@warren/contracts';
import { kernelErrors } from '@warren/kernel';
import type { ServiceTopology } from './service-topology.ts';

/**
 * Reads the `topology.json` of every folder in a directory.
 * @param directory of the services, e.g. `new URL('../../', import.meta.url)` from a service's `main.ts`
 * @throws `UNEXPECTED` for a file that cannot be read
 */
export function readTopologies(directory: URL): ServiceTopology[] {
  const path = fileURLToPath(directory);
  const files = readdirSync(path).map((folder) => join(path, folder, 'topology.json'));
  return files.filter((file) => existsSync(file)).map(readTopology);
}

function readTopology(file: string): ServiceTopology {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { message } = error as Error;
    throw kernelErrors.UNEXPECTED(`${file} cannot be read (npm run generate writes it): ${message}`, { cause: error });
  }
}

/**
 * Returns the queues and streams of a system for the bus of one service. Queues of services that always run are declared before the first
 * publish, so that an event reaches its queue even if the consumer has never run. Queues of services that do not run everywhere are `optional`,
 * because nobody might consume them. A stream receives everything that is published anywhere.
 * @param topology the topologies of all services
 * @param countsOn services that are known to run and to consume their optional queues: all of their queues are declared
 * @throws `UNEXPECTED` for a service in `countsOn` that is not in the topology
 */
export function queuesFor(
  topology: readonly ServiceTopology[],
  { service, countsOn = [] }: { service: string; countsOn?: readonly string[] | undefined },
): QueueSpec[] {
  const unknown = countsOn.find((name) => !topology.some((one) => one.service === name));
  if (unknown !== undefined)
    throw kernelErrors.UNEXPECTED(`${service} counts on ${unknown}, which has no topology.json`);
  const queues = topology.flatMap((one) =>
    one.queues.map(({ optional, ...queue }): QueueSpec => {
      const runs = one.service === service || !one.optional;
      const isDeclared = countsOn.includes(one.service) || (runs && !optional);
      return isDeclared ? queue : { ...queue, optional: true };
    }),
  );
  const exchanges = [...new Set([...topology.flatMap(({ publishes }) => publishes), SYSTEM_EXCHANGE])].toSorted();
  const bindings = exchanges.map((exchange) => ({ exchange, routingKey: '#' }));
  const streams = topology.flatMap((one) => one.streams);
  return [...queues, ...streams.map((queue): QueueSpec => ({ queue, bindings, stream: true }))];
}
