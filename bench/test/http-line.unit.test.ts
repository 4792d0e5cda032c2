import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpLine, postRequest } from '../load/http-line.ts';

let server: Server;
let url: string;
let line: HttpLine;
beforeEach(async () => {
  server = createServer((req, res) => {
    if (req.url === '/silent') return void res.destroy();
    return void res.writeHead(201, { 'Content-Length': 2 }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  line = await HttpLine.open(url);
});
afterEach(() => {
  line.close();
  server.close();
});

const post = (path: string) => line.send(postRequest(url, path, '{}'));

describe('a connection of the load', () => {
  it('when it posts one request after the other, then each has its answer', async () => {
    expect([await post('/'), await post('/')]).toEqual([
      { status: 201, body: '{}' },
      { status: 201, body: '{}' },
    ]);
  });

  it('when the service has closed it meanwhile, then it is opened again', async () => {
    await post('/');
    server.closeAllConnections();
    // A request that was under way by then is lost; the next one must not be.
    await expect(post('/').catch(() => post('/'))).resolves.toEqual({ status: 201, body: '{}' });
  });

  it('when it is lost before the answer, then that is an error', async () => {
    await expect(post('/silent')).rejects.toThrow('closed the connection');
  });
});
