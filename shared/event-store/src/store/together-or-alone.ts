import { isAppError, kernelErrors } from '@warren/kernel';
import type { storeErrors } from '../log/store-errors.ts';

/**
 * Handles items together, which costs one commit. If that fails, each half is handled by itself, down to the item whose fault it is, so that
 * none fails for another's.
 * @returns a result for each item, in their order; an `Error` for one that fails alone
 * @throws what is transient and concerns all of them
 */
export async function togetherOrAlone<Item, Result>(
  items: readonly Item[],
  handle: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
): Promise<(Result | Error)[]> {
  if (items.length === 0) return [];
  try {
    return [...(await handle(items))];
  } catch (error) {
    if (isAppError(error) && error.kind === 'transient' && !isOfOne(error)) throw error;
    if (items.length === 1) return [toError(error)];
    const middle = Math.ceil(items.length / 2);
    const first = await togetherOrAlone(items.slice(0, middle), handle);
    return [...first, ...(await togetherOrAlone(items.slice(middle), handle))];
  }
}

/** What one of them competes for may be contested; a database that is away or hangs is so for all. */
const isOfOne = ({ code }: { code: string }): boolean => code === CONTENTION;
const CONTENTION: keyof typeof storeErrors = 'TRANSACTION_CONTENTION';

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : kernelErrors.UNEXPECTED(`thrown: ${thrown}`);
