/** What users import as `damson/rabbitmq`. It needs the packages `amqplib` and `yaml`. */

export { RabbitCommunicator, type RabbitOptions } from './rabbit-communicator.ts'
