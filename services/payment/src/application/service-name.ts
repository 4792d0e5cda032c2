/** This service in the metadata of its events (`source`), in logs and in metrics. */
export const SERVICE_NAME = 'payment';
