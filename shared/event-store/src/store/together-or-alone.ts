import { isAppError, kernelErrors } from '@warren/kernel';
import type { storeErrors } from '../log/store-errors.ts';

/**
 * Handles items together, which costs one commit. If that fails, handles each half separately, down to single items, so that no item fails
 * because of another.
 * @returns a result for each item, in order; an `Error` for an item that fails alone
 * @throws transient errors that concern all items
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

/** Contention may concern a single item; an unavailable or hanging database concerns all. */
const isOfOne = ({ code }: { code: string }): boolean => code === CONTENTION;
const CONTENTION: keyof typeof storeErrors = 'TRANSACTION_CONTENTION';

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : kernelErrors.UNEXPECTED(`thrown: ${thrown}`);
