import { SERVICE_NAME } from './application/service-name.ts';
import { projections, SCHEMA } from './projections.ts';

/** What the command line needs to know of this service in order to make its read models anew. */
export const userReadModels = { service: SERVICE_NAME, schema: SCHEMA, projections: () => projections };
