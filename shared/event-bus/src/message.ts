/** The AMQP properties that the bus reads and writes, named as in `amqplib`. */
export interface MessageProperties {
  messageId?: string;
  type?: string;
  /** Seconds since 1970, as in AMQP. */
  timestamp?: number;
  correlationId?: string;
  /** Name of the publishing service. */
  appId?: string;
  contentType?: string;
  contentEncoding?: string;
  replyTo?: string;
  priority?: number;
  headers?: Readonly<Record<string, unknown>>;
}

interface Addressed {
  exchange: string;
  routingKey: string;
  body: Buffer;
}

/** A message to publish, always persistent. `mandatory`: the broker returns it if no queue takes it. */
export interface OutgoingMessage extends Addressed {
  properties: MessageProperties & { messageId: string; persistent: true; mandatory: boolean };
}

/** A message as delivered by the broker. */
export interface ReceivedMessage extends Addressed {
  properties: MessageProperties;
  /** True when the broker has delivered it before. */
  redelivered: boolean;
}

/** A received message that has to be settled. */
export interface Delivery extends ReceivedMessage {
  /** False once its channel is gone: the broker delivers the message again, and settling it has no effect. */
  readonly live: boolean;
  /** Acknowledges the message. Has no effect when it is not {@link live}. */
  ack(): void;
}
