import { groupBy } from '@warren/kernel';

/** Each text that is there more than once, with how often. */
export function repeated(items: readonly string[]): string[] {
  return [...groupBy(items, (item) => item)].flatMap(([item, all]) =>
    all.length > 1 ? [`${item} ${all.length} times`] : [],
  );
}
