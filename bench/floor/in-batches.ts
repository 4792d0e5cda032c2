/**
 * Collects what arrives while a batch is in flight into the next one; what arrives alone goes at once. A batch that fails ends the process.
 * @param most items in a batch
 */
export function inBatches<Item>(handle: (items: Item[]) => Promise<void>, most = 500): (item: Item) => void {
  const waiting: Item[] = [];
  let busy = false;
  async function run(): Promise<void> {
    while (waiting.length > 0) await handle(waiting.splice(0, most));
    busy = false;
  }
  return (item) => {
    waiting.push(item);
    if (busy) return;
    busy = true;
    // After the current read of the sockets, whose other items then share the batch.
    setImmediate(() => void run());
  };
}
