/**
 * RabbitMQ 3.10 needs up to 100 ms to tell consumers that their queue was deleted. If a queue of the same name is declared earlier, the old
 * consumer stays: it is counted and assigned messages, but never delivers any. Every redeclaration therefore waits this long, in
 * milliseconds.
 */
export const REDECLARE_PAUSE_MS = 500;
