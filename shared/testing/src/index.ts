export * from './service-process.ts';
export * from './test-broker.ts';
export * from './test-database.ts';
export * from './test-environment.ts';
export * from './test-postgres.ts';
export * from './test-vhost.ts';
export * from './wait-until.ts';
