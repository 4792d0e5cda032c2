import type { AnyAggregate, EventContract, EventEnvelope, EventTypeOf, SharedValueOf } from '@warren/contracts';
import type { ReadStreamOptions, StreamBatch } from '@warren/event-bus';
import type { Deadline, Migration, Projection, RetentionRule, SharedRows, Store } from '@warren/event-store';
import type { DeclaredRoute } from '@warren/http';
import type { Clock, Logger, MetricsRegistry, Settings, SettingsSpec } from '@warren/kernel';
import type { Job } from './define-job.ts';
import type { Subscription } from './on.ts';

/** The context of a use case: `(context, request) => …`. */
export interface Context<out Own = unknown> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** The service's own settings. */
  readonly settings: Own;
}

/** Additional access for dependencies. */
export interface ServiceInside {
  /**
   * Reads a stream that the service declares in `reads`, with the retention, prefetch and batch size of its settings; see
   * `EventBus.readStream`.
   * @throws `UNEXPECTED` for any other stream
   */
  readonly readStream: (
    stream: string,
    options: Pick<ReadStreamOptions, 'from' | 'signal'>,
  ) => AsyncIterable<StreamBatch<EventEnvelope>>;
}

/** A stream that a service reads. */
export interface StreamReading {
  readonly stream: string;
  /** The events to read. The stream is bound to their exchanges; other events in it are skipped. */
  readonly contracts: readonly EventContract[];
}

/** The rows of the shared values, by category, for each aggregate with `shared`. */
type Sharing<A extends AnyAggregate> = {
  readonly [One in A as [SharedValueOf<One>] extends [never] ? never : One['category']]: SharedRows<SharedValueOf<One>>;
};

/** Required exactly when an aggregate has shared values. */
type SharedMember<A extends AnyAggregate> = keyof Sharing<A> extends never
  ? { readonly shared?: Record<never, never> }
  : { readonly shared: Sharing<A> };

/** Passed to use cases, handlers and jobs: the context and the dependencies of the service. */
type Deps<Spec extends SettingsSpec, More> = Context<NoInfer<Settings<Spec>>> & NoInfer<More>;

/** A fixed value, or a function of the settings. */
type BySettings<Spec extends SettingsSpec, Value> = Value | ((settings: NoInfer<Settings<Spec>>) => Value);

interface ServiceParts<Spec extends SettingsSpec, Aggregates extends readonly AnyAggregate[], More> {
  /** Name of the service, in lower-case letters. Names its schema (`<name>_service`), its metrics and the source of its events. */
  readonly name: string;
  /** Default of the setting `<NAME>_PORT`. */
  readonly port: number;
  /** True if a system is complete without the service: `npm start` then runs it only when asked for all services. @default false */
  readonly optional?: boolean;
  /** The service's own settings. The kit adds the settings that its declaration needs. @default none */
  readonly settings?: Spec;
  /** Its aggregates. The service publishes to the exchanges of their contracts. */
  readonly aggregates: Aggregates;
  /** Tables derived from the events, written in the transaction that appends. @default none */
  readonly projections?: readonly Projection[];
  /** The queues that it consumes; see `on`. @default none */
  readonly on?: readonly Subscription<Deps<Spec, More>>[];
  /** Streams that a dependency reads; see `ServiceInside.readStream`. @default none */
  readonly reads?: readonly StreamReading[];
  /**
   * Creates what is needed besides the context, once: gateways, mailers, templates. A dependency with `start`, `stop` or `health` becomes a
   * component of the service under its name; the service is `degraded` while the component is down. Annotate the function's parameter, for example
   * `Context<MySettings>`; otherwise the compiler cannot infer the return type before it checks the jobs. @default none
   */
  readonly dependencies?: (context: Context<NoInfer<Settings<Spec>>>, inside: ServiceInside) => More;
  /** Background work; see `defineJob`. @default none */
  readonly jobs?: readonly Job<Deps<Spec, More>>[];
  /** What happens to streams without an answer in time; see `defineDeadline`. @default none */
  readonly deadlines?: (settings: NoInfer<Settings<Spec>>) => readonly Deadline[];
  /** Runs after the migrations and before the first message; retried while the database is unavailable. @default none */
  readonly atStart?: readonly ((context: Deps<Spec, More>) => Promise<void>)[];
  /** Its HTTP API, in addition to health, readiness and metrics. @default none */
  readonly routes?: BySettings<Spec, readonly DeclaredRoute<Deps<Spec, More>>[]>;
  /** Migrations of its own tables. The kit adds those of the log, the outbox and the inbox. @default none */
  readonly migrations?: readonly Migration[];
  /** For a service that accepts Idempotency-Keys: the column of its table `idempotency_keys` for the id of what a request created. */
  readonly idempotencyKeys?: { readonly madeColumn: string };
  /** Retention of its own tables, in addition to the kit's rules for the inbox, Idempotency-Keys and ended streams. @default none */
  readonly retention?: (settings: NoInfer<Settings<Spec>>) => readonly RetentionRule[];
  /**
   * Names of services that are known to run, for example from the settings. The service declares their queues, including `optional` ones, before
   * it publishes. @default none
   */
  readonly countsOn?: (settings: NoInfer<Settings<Spec>>) => readonly string[];
  /**
   * Requests for new work, as `<method> <path>`, that are rejected while the service cannot do it in time (`SHED_ABOVE_MS`, docs/adr/0027). Streams
   * with a deadline are done when they are answered, all others when they are stored. @default none
   */
  readonly sheds?: readonly string[];
  /** How many clients may follow streams or wait for their end. @default none */
  readonly followers?: (settings: NoInfer<Settings<Spec>>) => number;
  /** Event versions to record instead of the latest, while instances of an earlier release run that know no later ones. @default none */
  readonly recordAs?: (settings: NoInfer<Settings<Spec>>) => {
    readonly [Type in EventTypeOf<Aggregates[number]>]?: number;
  };
}

export type ServiceDeclaration<
  Spec extends SettingsSpec = SettingsSpec,
  Aggregates extends readonly AnyAggregate[] = readonly AnyAggregate[],
  More = unknown,
> = ServiceParts<Spec, Aggregates, More> & SharedMember<Aggregates[number]>;

/** The parts of a declaration without the types that its functions were checked against. */
type Parts = ServiceParts<never, readonly AnyAggregate[], never>;

/** A service as data: `run` starts it, tests and tools read it. The kit passes each function the arguments that its declaration was checked against. */
export interface DefinedService extends Omit<Parts, 'settings' | 'dependencies' | 'recordAs'> {
  readonly settings?: SettingsSpec;
  readonly dependencies?: (context: never, inside: ServiceInside) => object;
  readonly recordAs?: (settings: never) => Readonly<Record<string, number>>;
  readonly shared?: Readonly<Record<string, SharedRows<never>>>;
}

/**
 * Declares a service. The kit adds what is the same in every service: settings from the environment, logs, metrics, traces, migrations, log,
 * relay, bus, retention, archive, health, readiness, system events, ordered start and drain.
 */
export function defineService<
  const Aggregates extends readonly AnyAggregate[],
  const Spec extends SettingsSpec = Record<never, never>,
  More extends object = Record<never, never>,
>(declaration: ServiceDeclaration<Spec, Aggregates, More>): DefinedService {
  return declaration as DefinedService;
}

/** Returns the name of the schema of the service's tables. */
export const schemaOf = ({ name }: Pick<DefinedService, 'name'>): string => `${name}_service`;
