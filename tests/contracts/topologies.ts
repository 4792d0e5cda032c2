import { type DefinedService, topologyOf } from '@warren/service';
import { loadServices } from '../../cli/src/declarations.ts';

/** The services of this checkout: what each `service.ts` below `services/` declares. */
export const declaredServices = (): Promise<DefinedService[]> =>
  loadServices(new URL('../../services/', import.meta.url));

/** The `topology.json` of every service: path from the root of the repository → text. */
export async function generateTopologies(): Promise<Map<string, string>> {
  const services = await declaredServices();
  return new Map(
    services.map((service) => [
      `services/${service.name}/topology.json`,
      `${JSON.stringify(topologyOf(service), null, 2)}\n`,
    ]),
  );
}
