import { Type } from 'typebox';
import { defineEvent } from './event-contract.ts';
import { ShortText, Uuid } from './text.ts';

const Count = Type.Integer({ minimum: 0 });

/** The instance that a system event is about. Each start of a process has a new `instanceId`, which is also the `aggregateId`. */
const Instance = { service: ShortText, instanceId: Uuid };

/** The exchange for the kit's own events. */
export const SYSTEM_EXCHANGE = 'system';

/** An instance has started. */
export const ServiceStarted = defineEvent({
  type: 'ServiceStarted',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'service.started',
  schema: Type.Object({
    ...Instance,
    host: Type.String(),
    pid: Count,
    /** Version of Node, e.g. `v20.19.0`. */
    node: Type.String(),
  }),
});

/** An instance has begun to drain: it finishes its work in progress and starts nothing new. A killed instance does not publish this. */
export const ServiceStopping = defineEvent({
  type: 'ServiceStopping',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'service.stopping',
  schema: Type.Object({ ...Instance, uptimeMs: Count }),
});

/** The health of an instance: once after its start, then after every change. */
export const HealthChanged = defineEvent({
  type: 'HealthChanged',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'health.changed',
  schema: Type.Object({
    ...Instance,
    ready: Type.Boolean(),
    /** `degraded` accepts requests but does not process all of them. The field `ready` is true only when the status is `ready`. */
    status: Type.Optional(Type.Union([Type.Literal('ready'), Type.Literal('degraded'), Type.Literal('down')])),
    /** Whether each component is up, by name. */
    components: Type.Record(Type.String(), Type.Boolean()),
    /** Number of changes since the last published event: more than 1 if some could not be published. */
    changes: Type.Integer({ minimum: 1 }),
  }),
});

/** An instance has logged an error. The event has the text of the log line, but not of the error, which may contain anything. */
export const ErrorOccurred = defineEvent({
  type: 'ErrorOccurred',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'error.occurred',
  schema: Type.Object({
    ...Instance,
    severity: Type.Union([Type.Literal('error'), Type.Literal('fatal')]),
    /** The text of the log line. */
    message: Type.String({ maxLength: 500 }),
    /** A code of docs/errors.md, with its kind; absent if the log line has no error. */
    code: Type.Optional(Type.String()),
    kind: Type.Optional(Type.String()),
    /** Number of errors with the same code that were omitted since the last published one. */
    omitted: Count,
  }),
});

/** The events that every service publishes about itself. */
export const systemEvents = [ServiceStarted, ServiceStopping, HealthChanged, ErrorOccurred] as const;
