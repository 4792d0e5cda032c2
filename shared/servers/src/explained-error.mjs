/**
 * A failure that says in its message what is wrong and what to do about it. The scripts print that message alone, without a stack;
 * any other error is a bug of the scripts and is printed whole.
 */
export class ExplainedError extends Error {}
