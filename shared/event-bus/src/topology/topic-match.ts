/**
 * True when a topic exchange would route the key to a queue bound with the pattern. Words are separated by dots; `*` matches exactly one
 * word, `#` any number of words, including none. As in RabbitMQ, the empty key has no words.
 */
export function topicMatches(pattern: string, routingKey: string): boolean {
  if (pattern === routingKey && !/[*#]/.test(pattern)) return true;
  return matchWords(words(pattern), words(routingKey));
}

const words = (text: string) => (text === '' ? [] : text.split('.'));

/** `reachable[k]`: the pattern read so far matches the first k words of the key. */
function matchWords(pattern: string[], key: string[]): boolean {
  let reachable = [true, ...key.map(() => false)];
  for (const part of pattern) {
    const next = reachable.map(() => false);
    for (let k = 0; k <= key.length; k += 1) {
      if (part === '#') next[k] = reachable[k] === true || (k > 0 && next[k - 1] === true);
      else next[k] = k > 0 && reachable[k - 1] === true && (part === '*' || part === key[k - 1]);
    }
    reachable = next;
  }
  return reachable[key.length] === true;
}
