import type { EventContract, EventEnvelope, EventOf, VersionsOf } from '@warren/contracts';
import { busErrors } from './bus-errors.ts';
import type { SystemContract } from './bus-options.ts';
import type { DeliveryContext, Handler } from './subscription.ts';

type Versions = VersionsOf<SystemContract>;

/** The event of a type and version, the latest without one: that of the system's contract, or, where it knows none, any envelope. */
type EventNamed<Type extends string, Version extends number> = number extends Version
  ? EventOr<Extract<SystemContract, { type: Type }>>
  : EventOr<Extract<Versions, { type: Type; version: Version }>>;

type EventOr<Found extends EventContract> = [Found] extends [never] ? EventEnvelope : EventOf<Found>;

type HandlerMethod<This, Event> = (this: This, event: Event, context: DeliveryContext) => Promise<void>;

interface Entry {
  type: string;
  version: number | undefined;
  handle: Handler<EventEnvelope>;
}

const handlersByInstance = new WeakMap<object, Entry[]>();

/**
 * Marks a method as the handler of an event (a standard decorator): `@EventHandler('OrderCreated')`, or for one version alone
 * `@EventHandler('OrderCreated', { version: 2 })`. Without a version it handles every version that has no handler of its own.
 * Which versions arrive is up to the bindings of the subscription. Hand the instance to {@link createClassHandler}.
 */
export function EventHandler<const Type extends string, const Version extends number = number>(
  type: Type,
  { version }: { version?: Version } = {},
) {
  return <This extends object>(
    method: HandlerMethod<This, EventNamed<Type, Version>>,
    context: ClassMethodDecoratorContext<This>,
  ): void => {
    context.addInitializer(function (this: This) {
      const entries = handlersByInstance.get(this) ?? [];
      const handle = (event: EventEnvelope, delivery: DeliveryContext) =>
        method.call(this, event as EventNamed<Type, Version>, delivery);
      entries.push({ type, version, handle });
      handlersByInstance.set(this, entries);
    });
  };
}

/**
 * One handler out of all decorated methods of an instance; it calls the one for the event's type and version.
 * What no method handles goes to the dead letters as `skipped`.
 * @throws `BUS_OPTIONS_INVALID` when no method is decorated, or two for the same type and version.
 */
export function createClassHandler(instance: object): Handler<EventEnvelope> {
  const entries = new Map<string, Handler<EventEnvelope>>();
  for (const { type, version, handle } of handlersByInstance.get(instance) ?? []) {
    const key = keyOf(type, version);
    if (entries.has(key)) throw busErrors.BUS_OPTIONS_INVALID(`two methods handle ${key}`);
    entries.set(key, handle);
  }
  if (entries.size === 0) throw busErrors.BUS_OPTIONS_INVALID('no method is decorated with @EventHandler');
  return async (event, context) => {
    const handle = entries.get(keyOf(event.type, event.version)) ?? entries.get(keyOf(event.type, undefined));
    if (!handle) {
      throw busErrors.HANDLER_MISSING(`${context.queue} has no handler for ${event.type} v${event.version}`);
    }
    await handle(event, context);
  };
}

const keyOf = (type: string, version: number | undefined) => (version === undefined ? type : `${type} v${version}`);
