import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DefinedService, topologyOf } from '@warren/service';

const SERVICES = resolve(import.meta.dirname, '../../services');

/** The services of this checkout: what each `service.ts` below `services/` declares. */
export async function declaredServices(): Promise<DefinedService[]> {
  const files = readdirSync(SERVICES)
    .map((folder) => join(SERVICES, folder, 'src', 'service.ts'))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)));
  return modules.map((exported, index) => {
    const services = Object.values<DefinedService>(exported).filter((one) => one.aggregates !== undefined);
    if (services.length !== 1) throw new Error(`${files[index]} must export one service, not ${services.length}`);
    return services[0] as DefinedService;
  });
}

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
