/** The items by a key of theirs, in their order. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/** Each text that is there more than once, with how often. */
export function repeated(items: readonly string[]): string[] {
  return [...groupBy(items, (item) => item)].flatMap(([item, all]) =>
    all.length > 1 ? [`${item} ${all.length} times`] : [],
  );
}
