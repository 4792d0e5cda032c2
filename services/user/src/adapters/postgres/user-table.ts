import type { EventStore } from '@warren/event-store';
import type { UserReadModel } from '../../application/user-read-model.ts';
import type { UserView } from '../../application/user-view.ts';

interface Row {
  id: string;
  email: string;
  name: string;
  status: UserView['status'];
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** Queries on the table `users`, which `userProjection` keeps. */
export function createUserTable(store: Pick<EventStore, 'query'>): UserReadModel {
  return {
    async find(userId) {
      const { rows } = await store.query<Row>('SELECT * FROM users WHERE id = $1', [userId]);
      return rows[0] && toView(rows[0]);
    },
  };
}

function toView({ created_at, updated_at, ...row }: Row): UserView {
  const { id, email, name, status, version } = row;
  return { id, email, name, status, version, createdAt: created_at.toISOString(), updatedAt: updated_at.toISOString() };
}
