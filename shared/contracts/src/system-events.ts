import { Type } from 'typebox';
import { defineEvent } from './event-contract.ts';
import { ShortText, Uuid } from './text.ts';

const Count = Type.Integer({ minimum: 0 });

/** Whom a system event is of. `instanceId` is new with each start of a process; it is the `aggregateId` too. */
const Instance = { service: ShortText, instanceId: Uuid };

/** Where the kit's own events are published. */
export const SYSTEM_EXCHANGE = 'system';

/** An instance runs. */
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

/** An instance has begun to drain: what it has in hand is finished, nothing new is begun. One that was killed says nothing. */
export const ServiceStopping = defineEvent({
  type: 'ServiceStopping',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'service.stopping',
  schema: Type.Object({ ...Instance, uptimeMs: Count }),
});

/** How an instance is: once after its start, then whenever that is another one. */
export const HealthChanged = defineEvent({
  type: 'HealthChanged',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'health.changed',
  schema: Type.Object({
    ...Instance,
    ready: Type.Boolean(),
    /** `degraded` takes in what it is asked and does not process all of it. `ready` is true with `ready` only. */
    status: Type.Optional(Type.Union([Type.Literal('ready'), Type.Literal('degraded'), Type.Literal('down')])),
    /** By component: whether it is up. */
    components: Type.Record(Type.String(), Type.Boolean()),
    /** Since the last one that could be told: more than 1 when there were others in between. */
    changes: Type.Integer({ minimum: 1 }),
  }),
});

/** An instance has logged an error. It has the text of the line, but not of the error, which may hold anything. */
export const ErrorOccurred = defineEvent({
  type: 'ErrorOccurred',
  version: 1,
  exchange: SYSTEM_EXCHANGE,
  routingKey: 'error.occurred',
  schema: Type.Object({
    ...Instance,
    severity: Type.Union([Type.Literal('error'), Type.Literal('fatal')]),
    /** What failed, as the log has it. */
    message: Type.String({ maxLength: 500 }),
    /** Of docs/errors.md, with its kind; absent when the line names no error. */
    code: Type.Optional(Type.String()),
    kind: Type.Optional(Type.String()),
    /** How many of the same code were left out since the last one that was told. */
    omitted: Count,
  }),
});

/** What every service tells of itself. */
export const systemEvents = [ServiceStarted, ServiceStopping, HealthChanged, ErrorOccurred] as const;
