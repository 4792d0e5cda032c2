import {
  type Catalogue,
  contractsOf,
  createCatalogue,
  type EventContract,
  type EventMap,
  systemEvents,
} from '@warren/contracts';

/** What a service says of its messages. */
interface Talk {
  readonly aggregates: readonly { readonly events: EventMap }[];
  readonly on?: readonly { readonly contracts: readonly EventContract[] }[];
  readonly reads?: readonly { readonly contracts: readonly EventContract[] }[];
}

const publishedBy = ({ aggregates }: Talk): EventContract[] =>
  aggregates.flatMap(({ events }) => Object.values(events).flatMap(contractsOf));

/** The messages that the bus of a service knows: what its aggregates publish, what it listens to or reads in streams, and the system events. */
export function catalogueOf(service: Talk): Catalogue {
  const { on = [], reads = [] } = service;
  const heard = [...on, ...reads].flatMap(({ contracts }) => contracts);
  return createCatalogue([...new Set<EventContract>([...publishedBy(service), ...heard, ...systemEvents])]);
}

/** The exchanges that its aggregates publish to. */
export const exchangesOf = (service: Talk): string[] => [
  ...new Set(publishedBy(service).map(({ exchange }) => exchange)),
];
