import { afterEach, expect, test } from '@jest/globals';
import { createServiceFixture, type ServiceFixture } from '@warren/testing';
import { defineService } from '../src/index.ts';
import { ticket, ticketMigrations, tickets } from './deadlines/tickets.ts';

let fixture: ServiceFixture | undefined;
afterEach(() => fixture?.close());

test('when a read model has a column that no migration creates, then the service does not start and names the column', async () => {
  const migrations = [
    ...ticketMigrations,
    { number: 2, name: 'forgotten', sql: 'ALTER TABLE tickets DROP COLUMN status' },
  ];
  const service = defineService({ name: 'desk', port: 0, aggregates: [ticket], projections: [tickets], migrations });
  fixture = await createServiceFixture(service);
  await expect(fixture.start()).rejects.toThrow('the table tickets has no column status');
});
