import { loadSettings } from '@warren/kernel';
import { SERVICE_NAME } from './application/service-name.ts';
import { toWire } from './application/to-wire.ts';
import { orderSettings } from './config.ts';
import { createProjections, SCHEMA } from './projections.ts';

export { viewOf } from './application/order-view.ts';

/** What the command line needs to know of this service in order to find who has answered an event of its log. */
export const orderMessages = { schema: SCHEMA, toWire };

const { deadlineMs } = orderSettings;

/** What the command line needs to know of this service in order to make its read models anew. */
export const orderReadModels = {
  service: SERVICE_NAME,
  schema: SCHEMA,
  /** By the settings of the service as far as they matter to them (ORDER_DEADLINE_MS). @throws `CONFIG_INVALID` */
  projections: (env: Record<string, string | undefined>) => createProjections(loadSettings({ deadlineMs }, env)),
};
