/**
 * A failure whose message says what is wrong and what to do about it. The scripts print only the message, without a stack. Any other error
 * is a bug in the scripts and is printed in full.
 */
export class ExplainedError extends Error {}
