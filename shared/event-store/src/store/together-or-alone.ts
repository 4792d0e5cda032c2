import { isAppError, kernelErrors } from '@warren/kernel';

/**
 * Handles items together, which costs one commit. If that fails, each is handled alone, so that none fails for another's fault.
 * @returns a result for each item, in their order; an `Error` for one that fails alone
 * @throws what is transient: it concerns all of them
 */
export async function togetherOrAlone<Item, Result>(
  items: readonly Item[],
  handle: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
): Promise<(Result | Error)[]> {
  try {
    return [...(await handle(items))];
  } catch (error) {
    if (isAppError(error) && error.kind === 'transient') throw error;
    if (items.length === 1) return [toError(error)];
    const alone = items.map((one) => togetherOrAlone([one], handle).catch((thrown) => [toError(thrown)]));
    return (await Promise.all(alone)).flat();
  }
}

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : kernelErrors.UNEXPECTED(`thrown: ${thrown}`);
