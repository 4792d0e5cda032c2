/**
 * RabbitMQ 3.10 needs up to 100 ms to tell consumers that their queue was deleted. A queue of the same name that is declared before
 * that keeps the old consumer: it is counted, is handed messages, and never delivers one. So whoever declares again waits, in milliseconds.
 */
export const REDECLARE_PAUSE_MS = 500;
