export * from './correlation.ts';
export * from './http-app.ts';
export * from './http-errors.ts';
export * from './http-server.ts';
export * from './json-body.ts';
export * from './problem-details.ts';
export * from './routes.ts';
export * from './strict-json.ts';
