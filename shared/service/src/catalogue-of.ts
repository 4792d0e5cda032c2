import {
  type Catalogue,
  contractsOf,
  createCatalogue,
  type EventContract,
  type EventMap,
  systemEvents,
} from '@warren/contracts';

/** The parts of a declaration that name contracts. */
interface Talk {
  readonly aggregates: readonly { readonly events: EventMap }[];
  readonly on?: readonly { readonly contracts: readonly EventContract[] }[];
  readonly reads?: readonly { readonly contracts: readonly EventContract[] }[];
}

const publishedBy = ({ aggregates }: Talk): EventContract[] =>
  aggregates.flatMap(({ events }) => Object.values(events).flatMap(contractsOf));

/** Returns the contracts of a service's bus: those that its aggregates publish, those of its queues and streams, and the system events. */
export function catalogueOf(service: Talk): Catalogue {
  const { on = [], reads = [] } = service;
  const heard = [...on, ...reads].flatMap(({ contracts }) => contracts);
  return createCatalogue([...new Set<EventContract>([...publishedBy(service), ...heard, ...systemEvents])]);
}

/** Returns the exchanges that the service's aggregates publish to. */
export const exchangesOf = (service: Talk): string[] => [
  ...new Set(publishedBy(service).map(({ exchange }) => exchange)),
];
