import type { AddressInfo } from 'node:net';
import express from 'express';
import { serveWorker } from '../harness/worker.ts';

/** Express that reads an order and answers 201, and does nothing with it: what no system behind it can pass. Its task returns the port. */
await serveWorker<unknown, number>(async () => {
  const app = express();
  app.use(express.json());
  app.post('/orders', (req, res) => {
    res.status(201).json(req.body);
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return async () => port;
});
