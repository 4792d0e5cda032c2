/** Whether a request is one of those that come every few seconds, and say nothing about what the service does. */
export const isProbe = (path: string): boolean => path.startsWith('/health/') || path === '/metrics';
