import { describe, expect, it } from '@jest/globals';
import { buildCausalTrees, type CausalNode, type LoggedEvent } from '../src/causal-tree.ts';

let second = 0;
const event = (id: string, causationId: string, more: Partial<LoggedEvent> = {}): LoggedEvent => {
  second += 1;
  const about = {
    type: `T${id}`,
    version: 1,
    service: 'order',
    streamId: 'o-o',
    aggregateId: 'o',
    correlationId: 'request',
  };
  return { id, causationId, ...about, time: new Date(second * 1000), messageIds: [id], ...more };
};

type Shape = [id: string, ...children: Shape[]];
const shapeOf = ({ event: { id }, children }: CausalNode): Shape => [id, ...children.map(shapeOf)];
const shapes = (trees: readonly CausalNode[]) => trees.map(shapeOf);

describe('buildCausalTrees', () => {
  it('when events cause each other, then each stands under its cause, by time, wherever it was among the others', () => {
    const [a, b, c, d] = [event('a', 'request'), event('b', 'a'), event('c', 'b'), event('d', 'a')];
    const trees = buildCausalTrees([d, c, b, a]);
    expect(shapes(trees)).toEqual([['a', ['b', ['c']], ['d']]]);
    expect(trees[0]).not.toHaveProperty('note');
  });

  it('when an event is published under other ids, then what answers those stands under it', () => {
    const [a, b] = [event('a', 'request', { messageIds: ['a', 'a-as-another'] }), event('b', 'a-as-another')];
    expect(shapes(buildCausalTrees([a, b]))).toEqual([['a', ['b']]]);
  });

  it('when there are several requests, then each is a tree of its own', () => {
    const [a, b] = [event('a', 'request'), event('b', 'other', { correlationId: 'other' })];
    expect(shapes(buildCausalTrees([b, a]))).toEqual([['a'], ['b']]);
  });

  it('when the cause of an event is missing, then it stands at the top, and a note says so', () => {
    const trees = buildCausalTrees([event('a', 'request'), event('b', 'gone'), event('c', 'b')]);
    expect(shapes(trees)).toEqual([['a'], ['b', ['c']]]);
    expect(trees.map(({ note }) => note)).toEqual([undefined, 'its cause gone is in no log']);
  });

  it('when events cause each other in a circle, then each is shown once, under the first of them', () => {
    const circle = [event('a', 'c'), event('b', 'a'), event('c', 'b'), event('d', 'c'), event('e', 'e')];
    const trees = buildCausalTrees(circle);
    expect(shapes(trees)).toEqual([['a', ['b', ['c', ['d']]]], ['e']]);
    expect(trees.map(({ note }) => note)).toEqual(['its cause c follows from it', 'its cause e follows from it']);
  });

  it('when consumers have handled an event, by whichever of its ids, then it has them by time', () => {
    const a = event('a', 'request', { messageIds: ['a', 'a2'] });
    const later = { messageId: 'a', consumer: 'q1', time: new Date(9000) };
    const sooner = { messageId: 'a2', consumer: 'q2', time: new Date(8000) };
    expect(buildCausalTrees([a], [later, sooner])[0]?.handled).toEqual([sooner, later]);
  });

  it('when there is nothing, then there is no tree', () => {
    expect(buildCausalTrees([])).toEqual([]);
  });
});
