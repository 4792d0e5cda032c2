/** The AMQP properties that the bus reads and writes; names as in `amqplib`. */
export interface MessageProperties {
  messageId?: string;
  type?: string;
  /** Seconds since 1970, as AMQP has it. */
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

/** A message to be published. Persistent always; `mandatory` asks for it back when no queue wants it. */
export interface OutgoingMessage extends Addressed {
  properties: MessageProperties & { messageId: string; persistent: true; mandatory: boolean };
}

/** A message as the broker handed it over. */
export interface ReceivedMessage extends Addressed {
  properties: MessageProperties;
  /** True when the broker has delivered it before. */
  redelivered: boolean;
}

/** A received message that has to be settled. */
export interface Delivery extends ReceivedMessage {
  /** False once its channel is gone: the broker delivers it again, and settling it has no effect. */
  readonly live: boolean;
  /** Tells the broker that the message is dealt with. Has no effect when it is not {@link live}. */
  ack(): void;
}
