import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyAggregate } from '@warren/contracts';
import type { InlineProjection, ReadModel } from '@warren/event-store';
import { type DefinedService, schemaOf } from '@warren/service';
import { cliErrors } from './cli-errors.ts';
import { messageOf } from './message-of.ts';
import { serviceModule } from './service-module.ts';

/** A named part of a service's declaration. */
export interface Declared {
  name: string;
  /** Name of the service. */
  service: string;
  /** Schema of the service's tables. */
  schema: string;
}

/** A read model that can be rebuilt. */
export interface DeclaredReadModel extends Declared {
  projection: InlineProjection;
}

/** An aggregate, by its category. */
export interface DeclaredAggregate extends Declared {
  aggregate: AnyAggregate;
  /** The read model of the same service, if any. */
  readModel: ReadModel | undefined;
}

/**
 * The declarations of all services, by the names of their folders: each folder with a `topology.json` has a module `service` that exports one.
 * @param services directory of the services
 * @throws `CLI_SERVICE_UNREADABLE`
 */
export async function loadServices(services: URL): Promise<DefinedService[]> {
  const directory = fileURLToPath(services);
  const has = (folder: string, file: string) => existsSync(join(directory, folder, file));
  // A new service has no topology.json until one has been derived from this declaration.
  const folders = readdirSync(directory).filter((one) => has(one, 'topology.json') || has(one, 'src/service.ts'));
  return Promise.all(folders.toSorted().map((folder) => loadService(services, folder)));
}

async function loadService(services: URL, folder: string): Promise<DefinedService> {
  const { path, url, exists } = serviceModule(services, folder, 'service');
  if (!exists) throw cliErrors.CLI_SERVICE_UNREADABLE(`there is no ${path}: run "npm run build"`);
  const exported: Record<string, DefinedService | null> = await import(url.href).catch((cause) => {
    throw cliErrors.CLI_SERVICE_UNREADABLE(`cannot load ${path}: ${messageOf(cause)}`, { cause });
  });
  const [service, ...others] = Object.values(exported).filter((one) => one?.aggregates !== undefined);
  if (service && others.length === 0) return service;
  throw cliErrors.CLI_SERVICE_UNREADABLE(`${path} must export one service, not ${service ? others.length + 1 : 0}`);
}

const isReadModel = (one: object): one is ReadModel => 'rowOf' in one;

/** The aggregates of all services. @throws `CLI_SERVICE_UNREADABLE` */
export async function loadAggregates(services: URL): Promise<DeclaredAggregate[]> {
  return (await loadServices(services)).flatMap((service) =>
    service.aggregates.map((aggregate) => ({
      name: aggregate.category,
      service: service.name,
      schema: schemaOf(service),
      aggregate,
      readModel: service.projections?.filter(isReadModel).find(({ category }) => category === aggregate.category),
    })),
  );
}

/** The read models of all services. @throws `CLI_SERVICE_UNREADABLE` */
export async function loadReadModels(services: URL): Promise<DeclaredReadModel[]> {
  return (await loadServices(services)).flatMap((service) =>
    (service.projections ?? [])
      .filter(({ rebuildable }) => rebuildable)
      .map((projection) => ({ name: projection.name, service: service.name, schema: schemaOf(service), projection })),
  );
}

/**
 * Finds a declared part by its name, in the named service or in any.
 * @param what the kind of part, for messages
 * @throws `CLI_NOT_FOUND` when there is none, or more than one
 */
export function findDeclared<One extends Declared>(
  all: readonly One[],
  { what, name, service }: { what: string; name: string; service?: string | undefined },
): One {
  const [found, ...others] = all.filter((one) => one.name === name && (service ?? one.service) === one.service);
  if (found && others.length === 0) return found;
  if (found) throw cliErrors.CLI_NOT_FOUND(`more than one service has a ${what} ${name}: name one with --service`);
  const whose = service === undefined ? '' : ` of a service ${service}`;
  const known = all.map((one) => `${one.name} (${one.service})`).toSorted();
  throw cliErrors.CLI_NOT_FOUND(`there is no ${what} ${name}${whose}. There are: ${known.join(', ') || 'none'}`);
}
