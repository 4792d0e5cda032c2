import { SERVICE_NAME } from './application/service-name.ts';
import { toWire } from './application/to-wire.ts';
import { createProjections, SCHEMA } from './projections.ts';

export { viewOf } from './application/order-view.ts';

/** What the command line needs to know of this service in order to find who has answered an event of its log. */
export const orderMessages = { schema: SCHEMA, toWire };

/** What the command line needs to know of this service in order to make its read models anew. */
export const orderReadModels = {
  service: SERVICE_NAME,
  schema: SCHEMA,
  projections: createProjections,
};
