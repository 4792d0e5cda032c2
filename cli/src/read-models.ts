import { orderService } from '@shop/order';
import { userService } from '@shop/user';
import type { InlineProjection } from '@warren/event-store';
import { schemaOf } from '@warren/service';
import { cliErrors } from './cli-errors.ts';

/** A read model that can be made anew, and where it is. */
export interface ReadModel {
  service: string;
  /** Schema of the service's tables. */
  schema: string;
  projection: InlineProjection;
}

/** Every service that keeps read models is exported by its index.ts. */
const SERVICES = [orderService, userService];

/** The read models of all services. */
export function listReadModels(): ReadModel[] {
  return SERVICES.flatMap((service) =>
    (service.projections ?? [])
      .filter(({ rebuildable }) => rebuildable)
      .map((projection) => ({ service: service.name, schema: schemaOf(service), projection })),
  );
}

/**
 * The one read model of that name, of the named service or of any.
 * @throws `CLI_NOT_FOUND` when there is none, or more than one.
 */
export function findReadModel(all: readonly ReadModel[], name: string, service: string | undefined): ReadModel {
  const ofService = all.filter((one) => service === undefined || one.service === service);
  const [found, ...others] = ofService.filter(({ projection }) => projection.name === name);
  if (found && others.length === 0) return found;
  if (found) throw cliErrors.CLI_NOT_FOUND(`more than one service has a projection ${name}: name one with --service`);
  const whose = service === undefined ? '' : ` of a service ${service}`;
  throw cliErrors.CLI_NOT_FOUND(`there is no projection ${name}${whose}: see "warren projection list"`);
}
