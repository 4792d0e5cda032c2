/** Begins the work for each item, at most `window` at the same moment; resolves when all have called back, rejects at the first error. */
export function inWindow<Item>(
  items: readonly Item[],
  window: number,
  work: (item: Item, done: (error?: unknown) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let ended = 0;
    const next = () => {
      if (begun === items.length) return;
      begun += 1;
      work(items[begun - 1] as Item, done);
    };
    const done = (error?: unknown) => {
      if (error) return reject(error);
      ended += 1;
      if (ended === items.length) resolve();
      else next();
    };
    for (let open = Math.min(window, items.length); open > 0; open -= 1) next();
  });
}
