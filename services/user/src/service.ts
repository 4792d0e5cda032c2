import { uniqueClaims } from '@warren/event-store';
import { defineService } from '@warren/service';
import { userRoutes } from './adapters/http/user-routes.ts';
import { userMigrations } from './adapters/postgres/migrations.ts';
import { users } from './application/user-view.ts';
import { user } from './domain/user.ts';

/** Who the customers are. */
export const userService = defineService({
  name: 'user',
  port: 3003,
  aggregates: [user],
  shared: { user: uniqueClaims({ table: 'user_emails', key: 'email_key', holder: 'user_id' }) },
  readModels: [users],
  routes: userRoutes,
  migrations: userMigrations,
  idempotencyKeys: { madeColumn: 'user_id' },
});
