import { busSettings, streamSettings } from '@warren/event-bus';
import { databaseSettings, idempotencySettings } from '@warren/event-store';
import { formats, processSettings, type Settings, setting } from '@warren/kernel';
import type { DefinedService } from './service-declaration.ts';

const { amqpUrl, prefetch, maxBatch, ...queueSettings } = busSettings;
const { inboxKeepMs, ...logSettings } = databaseSettings;

const portSetting = ({ name, port, routes }: DefinedService) =>
  setting({
    env: `${name.toUpperCase()}_PORT`,
    doc: `Port of ${routes ? 'the API, of health' : 'health'}, readiness and metrics; 0 takes a free one.`,
    format: formats.port,
    default: port,
  });

/** The kit's settings of a service that sheds load. */
const shedding = {
  shedAboveMs: setting({
    env: 'SHED_ABOVE_MS',
    doc: 'New work is rejected with 503 and Retry-After while it would take longer than this to be stored, or to be answered by other services, in milliseconds; 0 rejects nothing, and then nothing limits how much new work waits while the database hangs.',
    format: formats.integer(0, 60_000),
    default: 200,
  }),
};

/** The kit's settings of every service. */
const common = { amqpUrl, ...logSettings, ...processSettings };
/** The kit's settings of a service that consumes queues or streams. */
const listening = { prefetch, maxBatch, inboxKeepMs };

/** Returns all settings of a service: its own, and those of the kit that apply to it. */
export function settingsOf(service: DefinedService) {
  return {
    port: portSetting(service),
    ...service.settings,
    ...(service.sheds && shedding),
    ...(service.idempotencyKeys && idempotencySettings),
    ...common,
    ...((service.on || service.reads) && listening),
    ...(service.on && queueSettings),
    ...(service.reads && streamSettings),
  };
}

/** The values of the kit's settings. Those that do not apply to the service are absent. */
export type ServiceSettings = Settings<typeof common> &
  Settings<typeof listening> &
  Settings<typeof shedding> &
  Settings<typeof queueSettings> &
  Settings<typeof streamSettings> &
  Settings<typeof idempotencySettings> & { readonly port: number };
