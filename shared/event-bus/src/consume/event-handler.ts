import type { EventContract, EventEnvelope, EventOf } from '@warren/contracts';
import { busErrors } from '../bus-errors.ts';
import type { DeliveryContext, Handler } from './subscription.ts';

/** Decorates methods that handle this event. */
type HandlerDecorator<Event> = <This extends object>(
  method: (this: This, event: Event, context: DeliveryContext) => Promise<void>,
  context: ClassMethodDecoratorContext<This>,
) => void;

interface Entry {
  type: string;
  version: number | undefined;
  handle: Handler<EventEnvelope>;
}

const handlersByInstance = new WeakMap<object, Entry[]>();

/**
 * Marks a method as an event handler (a standard decorator). With a contract (`@EventHandler(HomeBuilt)`) it handles that version, and the
 * contract types the event. With a name (`@EventHandler('HomeBuilt')`) it handles every version without a handler of its own or, with `{
 * version: 2 }`, only that version; the event is any envelope. The subscription's bindings decide which versions arrive. Pass the instance
 * to {@link createClassHandler}.
 */
export function EventHandler<Contract extends EventContract>(contract: Contract): HandlerDecorator<EventOf<Contract>>;
export function EventHandler(type: string, options?: { version?: number }): HandlerDecorator<EventEnvelope>;
export function EventHandler(
  event: string | EventContract,
  options: { version?: number } = {},
): HandlerDecorator<EventEnvelope> {
  const { type, version } = typeof event === 'string' ? { type: event, version: options.version } : event;
  return (method, context) => {
    context.addInitializer(function () {
      const entries = handlersByInstance.get(this) ?? [];
      const handle = (received: EventEnvelope, delivery: DeliveryContext) => method.call(this, received, delivery);
      entries.push({ type, version, handle });
      handlersByInstance.set(this, entries);
    });
  };
}

/**
 * Combines all decorated methods of an instance into one handler, which calls the method for the event's type and version. Events without a
 * method are dead-lettered as `skipped`.
 * @throws `BUS_OPTIONS_INVALID` when no method is decorated, or two methods handle the same type and version.
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
