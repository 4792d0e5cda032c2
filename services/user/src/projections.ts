import type { InlineProjection } from '@warren/event-store';
import { userProjection } from './adapters/postgres/user-projection.ts';

/** Schema of the service's tables. */
export const SCHEMA = 'user_service';

/** The read models that the service keeps, and that the command line can make anew. */
export const projections: InlineProjection[] = [userProjection];
