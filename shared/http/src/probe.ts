/** Whether a request is a health probe or a scrape: these arrive every few seconds and say nothing about the service's work. */
export const isProbe = (path: string): boolean => path.startsWith('/health/') || path === '/metrics';
