export * from './test-database.ts';
export * from './test-environment.ts';
export * from './test-vhost.ts';
export * from './wait-until.ts';
