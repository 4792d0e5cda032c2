/** The id of a stream: `<category>-<id>`, e.g. `streamId('home', home.id)`. The category holds no hyphen, the id may. */
export function streamId(category: string, id: string): string {
  return `${category}-${id}`;
}
