import type { EventEnvelope } from '@warren/contracts';

export async function sendMessage(amqpUrl: string, message: EventEnvelope): Promise<void> {
  void amqpUrl;
  void message;
}
