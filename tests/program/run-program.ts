/** A program of the command line. */
export interface Program<Options> {
  help: string;
  /** @throws an Error that says what is wrong with the arguments */
  parse(args: readonly string[]): Options | 'help';
  /** Gives the exit code. Ends soon, in whatever way, once the signal is aborted. */
  run(options: Options, signal: AbortSignal): Promise<number>;
}

/**
 * Runs a program and gives its exit code: that of `run`, 0 after the help, 2 when the arguments are wrong or `run` failed, 130 after Ctrl-C
 * and other requests to end.
 */
export async function runProgram<Options>(program: Program<Options>, args: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  try {
    const options = readOptions(program, args);
    return typeof options === 'number' ? options : await program.run(options.read, stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    console.error(error);
    return 2;
  } finally {
    for (const name of signals) process.off(name, stop);
  }
}

/** The options, or the exit code when there is nothing to run. */
function readOptions<Options>({ parse, help }: Program<Options>, args: readonly string[]): { read: Options } | number {
  try {
    const read = parse(args);
    if (read !== 'help') return { read };
    console.log(help);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
}

/** The value of an option. @throws an Error that names the option */
export function wholeNumber(option: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`--${option} must be a whole number from ${min} to ${max}`);
}
