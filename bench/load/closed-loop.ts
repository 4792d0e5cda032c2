import { HttpLine, postRequest } from './http-line.ts';
import { orderBodies, type Stock } from './order-requests.ts';

export interface ClosedLoop {
  kind: 'closed';
  /** Where the order service answers. */
  url: string;
  stock: Stock;
  /** Each posts its next order when it has the answer to the one before. */
  connections: number;
  seconds: number;
}

export interface ClosedLoopOutcome {
  /** Orders answered 201. */
  accepted: number;
  /** Other answers, by status. */
  refused: Record<string, number>;
}

/** Posts orders as fast as the answers come. */
export async function runClosedLoop({ url, stock, connections, seconds }: ClosedLoop): Promise<ClosedLoopOutcome> {
  const requests = orderBodies(stock).map((body) => postRequest(url, '/orders', body));
  const lines = await Promise.all(Array.from({ length: connections }, () => HttpLine.open(url)));
  const until = performance.now() + seconds * 1000;
  const outcome: ClosedLoopOutcome = { accepted: 0, refused: {} };
  let next = 0;
  const work = async (line: HttpLine): Promise<void> => {
    while (performance.now() < until) {
      const { status } = await line.send(requests[next++ % requests.length] as Buffer);
      if (status === 201) outcome.accepted += 1;
      else outcome.refused[status] = (outcome.refused[status] ?? 0) + 1;
    }
  };
  try {
    await Promise.all(lines.map(work));
  } finally {
    for (const line of lines) line.close();
  }
  return outcome;
}
