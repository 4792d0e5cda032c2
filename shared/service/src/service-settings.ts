import { busSettings } from '@warren/event-bus';
import { databaseSettings, idempotencySettings } from '@warren/event-store';
import { formats, processSettings, type Settings, setting } from '@warren/kernel';
import type { DefinedService } from './service-declaration.ts';

const { amqpUrl } = busSettings;
const { databaseUrl, databasePoolSize, statementTimeoutMs, streamKeepMs } = databaseSettings;

const portSetting = ({ name, port }: DefinedService) =>
  setting({
    env: `${name.toUpperCase()}_PORT`,
    doc: 'Port of the API, of health, readiness and metrics; 0 takes a free one.',
    format: formats.port,
    default: port,
  });

/** Those of the kit that every service has. */
const common = { amqpUrl, databaseUrl, databasePoolSize, statementTimeoutMs, streamKeepMs, ...processSettings };

/** All settings of a service: its own, and those of the kit that mean anything to it. */
export function settingsOf(service: DefinedService) {
  return {
    port: portSetting(service),
    ...service.settings,
    ...(service.idempotencyKeys && idempotencySettings),
    ...common,
  };
}

export type ServiceSettings = Settings<typeof common> &
  Partial<Settings<typeof idempotencySettings>> & { readonly port: number };
