import type { AnyAggregate, EventContract, EventEnvelope, EventTypeOf, SharedValueOf } from '@warren/contracts';
import type { ReadStreamOptions, StreamBatch } from '@warren/event-bus';
import type { Deadline, Intake, Migration, Projection, RetentionRule, SharedRows, Store } from '@warren/event-store';
import type { DeclaredRoute } from '@warren/http';
import type { Clock, Logger, MetricsRegistry, Settings, SettingsSpec } from '@warren/kernel';
import type { Job } from './define-job.ts';
import type { Subscription } from './on.ts';

/** What a use case gets: `(context, request) => …`. */
export interface Context<out Own = unknown> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** The service's own settings. */
  readonly settings: Own;
}

/** What else a dependency may look at. */
export interface ServiceInside {
  /**
   * Reads one of the streams that the service declares in `reads`, with the retention, the prefetch and the batches of its settings; see
   * `EventBus.readStream`.
   * @throws `UNEXPECTED` for another stream
   */
  readonly readStream: (
    stream: string,
    options: Pick<ReadStreamOptions, 'from' | 'signal'>,
  ) => AsyncIterable<StreamBatch<EventEnvelope>>;
}

/** A stream that a service reads. */
export interface StreamReading {
  readonly stream: string;
  /** The events that it looks for. The stream is bound to their exchanges; what else is in it is passed over. */
  readonly contracts: readonly EventContract[];
}

/** Where the shared values are of each aggregate that has some, by category. */
type Sharing<A extends AnyAggregate> = {
  readonly [One in A as [SharedValueOf<One>] extends [never] ? never : One['category']]: SharedRows<SharedValueOf<One>>;
};

/** Required exactly where an aggregate shares values. */
type SharedMember<A extends AnyAggregate> = keyof Sharing<A> extends never
  ? { readonly shared?: Record<never, never> }
  : { readonly shared: Sharing<A> };

/** What use cases, handlers and jobs get: the context and the dependencies of the service. */
type Deps<Spec extends SettingsSpec, More> = Context<NoInfer<Settings<Spec>>> & NoInfer<More>;

/** Fixed, or as the settings say. */
type BySettings<Spec extends SettingsSpec, Value> = Value | ((settings: NoInfer<Settings<Spec>>) => Value);

interface ServiceParts<Spec extends SettingsSpec, Aggregates extends readonly AnyAggregate[], More> {
  /** Names its schema (`<name>_service`), its metrics and the source of its events: lower-case letters. */
  readonly name: string;
  /** Default of the setting `<NAME>_PORT`. */
  readonly port: number;
  /** A system is complete without it: `npm start` runs it only when asked for all services. @default false */
  readonly optional?: boolean;
  /** Its own settings. Those of the kit come by themselves, as far as they mean anything to the service. @default none */
  readonly settings?: Spec;
  /** What its events are about. It publishes to the exchanges of their contracts. */
  readonly aggregates: Aggregates;
  /** Tables that follow from the events, written in the transaction that appends. @default none */
  readonly projections?: readonly Projection[];
  /** What it listens to; see `on`. @default nothing */
  readonly on?: readonly Subscription<Deps<Spec, More>>[];
  /** Streams that a dependency reads; see `ServiceInside.readStream`. @default none */
  readonly reads?: readonly StreamReading[];
  /**
   * What is needed beside the context, made once: gateways, mailers, templates. One that has `start`, `stop` or `health` is a component of the
   * service under its name; the service is `degraded` while it is not up. The parameter of the function needs a type of its own, as
   * `Context<MySettings>`, or the compiler does not find out what the function returns before it checks the jobs. @default nothing
   */
  readonly dependencies?: (context: Context<NoInfer<Settings<Spec>>>, inside: ServiceInside) => More;
  /** Work that nobody asks for; see `defineJob`. @default none */
  readonly jobs?: readonly Job<Deps<Spec, More>>[];
  /** What happens to streams that nobody answers in time; see `defineDeadline`. @default nothing */
  readonly deadlines?: (settings: NoInfer<Settings<Spec>>) => readonly Deadline[];
  /** Done between the migrations and the first message, again while the database is away. @default nothing */
  readonly atStart?: readonly ((context: Deps<Spec, More>) => Promise<void>)[];
  /** Its HTTP API, beside health, readiness and metrics. @default none */
  readonly routes?: BySettings<Spec, readonly DeclaredRoute<Deps<Spec, More>>[]>;
  /** Its own tables. The kit adds those of the log, the outbox and the inbox. @default none */
  readonly migrations?: readonly Migration[];
  /** For a service that takes Idempotency-Keys: the column of its table `idempotency_keys` for the id of what a request made. */
  readonly idempotencyKeys?: { readonly madeColumn: string };
  /** What leaves its own tables, beside the rules of the kit for the inbox, Idempotency-Keys and ended streams. @default nothing */
  readonly retention?: (settings: NoInfer<Settings<Spec>>) => readonly RetentionRule[];
  /**
   * Names of services that it knows to run, which its own settings may say: it declares their queues, those that are `optional` too, before it
   * publishes. @default none
   */
  readonly countsOn?: (settings: NoInfer<Settings<Spec>>) => readonly string[];
  /** How many streams may wait for being created, and what to throw beyond. @default any number */
  readonly intake?: (settings: NoInfer<Settings<Spec>>) => Intake;
  /** How many clients may follow streams, and wait for what becomes of them. @default none */
  readonly followers?: (settings: NoInfer<Settings<Spec>>) => number;
  /** The versions of events that are recorded in place of the latest, while an earlier release that knows no other runs. @default none */
  readonly recordAs?: (settings: NoInfer<Settings<Spec>>) => {
    readonly [Type in EventTypeOf<Aggregates[number]>]?: number;
  };
}

export type ServiceDeclaration<
  Spec extends SettingsSpec = SettingsSpec,
  Aggregates extends readonly AnyAggregate[] = readonly AnyAggregate[],
  More = unknown,
> = ServiceParts<Spec, Aggregates, More> & SharedMember<Aggregates[number]>;

/** Without the types that its functions were checked for. */
type Parts = ServiceParts<never, readonly AnyAggregate[], never>;

/** A service as data: `run` starts it, tests and tools read it. The kit hands each function what its declaration was checked for. */
export interface DefinedService extends Omit<Parts, 'settings' | 'dependencies' | 'recordAs'> {
  readonly settings?: SettingsSpec;
  readonly dependencies?: (context: never, inside: ServiceInside) => object;
  readonly recordAs?: (settings: never) => Readonly<Record<string, number>>;
  readonly shared?: Readonly<Record<string, SharedRows<never>>>;
}

/**
 * Declares a service. What is the same in every service is not declared: settings from the environment, logs, metrics, traces, migrations,
 * log, relay, bus, retention, archive, health, readiness, system events, ordered start and drain.
 */
export function defineService<
  const Aggregates extends readonly AnyAggregate[],
  const Spec extends SettingsSpec = Record<never, never>,
  More extends object = Record<never, never>,
>(declaration: ServiceDeclaration<Spec, Aggregates, More>): DefinedService {
  return declaration as DefinedService;
}

/** The schema of the service's tables. */
export const schemaOf = ({ name }: Pick<DefinedService, 'name'>): string => `${name}_service`;
