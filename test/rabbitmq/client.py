"""What a Python program of kiwipy does on the wire, with pika and PyYAML alone.

Reads one request per line from the standard input, as JSON, and writes one answer per line.
"""
import json
import sys
import threading
import time
import uuid

import pika
import yaml


yaml.add_constructor('!uuid', lambda loader, node: str(uuid.UUID(loader.construct_scalar(node))), Loader=yaml.FullLoader)


def dump(value):
    return yaml.dump(value, encoding='utf-8')


def load(body):
    return yaml.load(body, Loader=yaml.FullLoader)


class Client:
    def __init__(self, url, messages, tasks, task_queue):
        self.channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
        self.messages, self.tasks, self.task_queue = messages, tasks, task_queue
        self.responses, self.broadcasts, self.unroutable = {}, [], set()
        channel = self.channel
        for exchange in (messages, tasks):
            channel.exchange_declare(exchange, 'topic')
            queue = self.reply_queue(exchange)
            channel.queue_declare(queue, exclusive=True, arguments={'x-expires': 60000})
            channel.queue_bind(queue, exchange, queue)
            channel.basic_consume(queue, self.on_response, auto_ack=True)
        channel.queue_declare(task_queue, durable=True, arguments={'x-message-ttl': 604800000})
        channel.queue_bind(task_queue, tasks, task_queue)
        self.subscribe('broadcast-' + uuid.uuid4().hex, '[broadcast]', self.on_broadcast)
        channel.add_on_return_callback(lambda _c, _m, properties, _b: self.unroutable.add(properties.correlation_id))

    def reply_queue(self, exchange):
        self.name = getattr(self, 'name', None) or str(uuid.uuid4())
        return f'{exchange}-reply-{self.name}'

    def subscribe(self, queue, key, callback):
        arguments = {'x-message-ttl': 66000, 'x-expires': 60000}
        self.channel.queue_declare(queue, exclusive=True, arguments=arguments)
        self.channel.queue_bind(queue, self.messages, key)
        self.channel.basic_consume(queue, callback, auto_ack=True)

    def send(self, exchange, key, body, mode, **properties):
        properties = pika.BasicProperties(
            headers={}, priority=0, delivery_mode=mode, message_id=uuid.uuid4().hex, **properties
        )
        self.channel.basic_publish(exchange, key, dump(body), properties, mandatory=mode == 2 or '[rpc]' in key)

    def request(self, exchange, key, body, mode):
        correlation_id = str(uuid.uuid4())
        self.responses[correlation_id] = []
        self.send(exchange, key, body, mode, correlation_id=correlation_id, reply_to=self.reply_queue(exchange))
        return self.wait(
            lambda: correlation_id in self.unroutable
            or any('pending' not in one for one in self.responses[correlation_id])
        ) and (['unroutable'] if correlation_id in self.unroutable else self.responses[correlation_id])

    def wait(self, condition):
        end = time.time() + 30
        while not condition():
            if time.time() > end:
                raise TimeoutError('nothing has come for 30 s')
            self.channel.connection.process_data_events(0.1)
        return True

    def on_response(self, _channel, _method, properties, body):
        self.responses.setdefault(properties.correlation_id, []).append(load(body))

    def on_broadcast(self, _channel, _method, _properties, body):
        self.broadcasts.append(load(body))

    def respond(self, exchange, properties, responses):
        for response in responses:
            self.channel.basic_publish(
                exchange,
                properties.reply_to,
                dump(response),
                pika.BasicProperties(correlation_id=properties.correlation_id, delivery_mode=1, headers={}),
            )

    # ---------- as a Python process and a Python worker ----------

    def serve(self, pid):
        def on_rpc(_channel, _method, properties, body):
            message = load(body)
            if message['intent'] == 'status':
                info = {'ctime': 1700000000.25, 'paused': False, 'process_string': 'py', 'state': 'ProcessState.RUNNING'}
                self.respond(self.messages, properties, [{'result': info}])
            elif message['intent'] == 'kill':
                self.respond(self.messages, properties, [{'exception': f'not now: {message["message"]}'}])
            else:
                self.respond(self.messages, properties, [{'pending': None}, {'result': True}])

        self.subscribe(uuid.uuid4().hex, f'[rpc].{pid}', on_rpc)
        return pid

    def work(self):
        def on_task(channel, method, properties, body):
            task, no_reply = load(body)
            channel.basic_ack(method.delivery_tag)
            host = {'hostname': 'python', 'pid': 1}
            result = {'task': task, 'no_reply': no_reply}
            self.respond(self.tasks, properties, [{'pending': None, 'host': host}, {'result': result, 'host': host}])

        self.channel.basic_consume(self.task_queue, on_task)
        return 'working'


def main():
    client = Client(*sys.argv[1:5])
    print(json.dumps('ready'), flush=True)
    lines = []
    threading.Thread(target=lambda: [lines.append(line) for line in sys.stdin] and lines.append(None), daemon=True).start()
    while True:
        client.channel.connection.process_data_events(0.05)
        while lines:
            line = lines.pop(0)
            if line is None:
                return
            what, *args = json.loads(line)
            if what == 'rpc':
                answer = client.request(client.messages, f'[rpc].{args[0]}', args[1], 1)
            elif what == 'task':
                answer = client.request(client.tasks, client.task_queue, (args[0], False), 2)
            elif what == 'broadcast':
                client.send(client.messages, '[broadcast]', args[0], 1)
                answer = None
            elif what == 'broadcasts':
                answer = client.broadcasts
            elif what == 'serve':
                answer = client.serve(args[0])
            elif what == 'work':
                answer = client.work()
            else:
                # What PyYAML makes of a body, and how it writes that.
                value = load(args[0].encode('utf-8'))
                answer = [repr(value), dump(value).decode('utf-8')]
            print(json.dumps(answer, default=str), flush=True)


main()
