# SPDX-License-Identifier: BSD-2-Clause
"""A small message-queue client: connections, channels and the messages that arrive on them."""
import collections
import logging

log = logging.getLogger("mq")

# Every open connection, so that close_all() can end them at shutdown.
connections = []


class Error(Exception):
    pass


class Message(object):
    def __init__(self, channel, tag, body):
        self.channel = channel
        self.tag = tag
        self.body = body
        self.properties = {"content_type": "application/json"}

    def ack(self):
        self.channel.ack(self.tag)


class Channel(object):
    """One conversation on a connection. What arrives waits in `incoming` until acked."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.incoming = []
        self.callbacks = {"close": connection.on_close, "error": connection.on_error}
        self.is_open = True

    def deliver(self, body):
        message = Message(self, len(self.incoming) + 1, body)
        self.incoming.append(message)
        return message

    def ack(self, tag):
        self.incoming = [message for message in self.incoming if message.tag != tag]

    def close(self):
        self.is_open = False
        self.callbacks["close"](self)


class Connection(object):
    def __init__(self, host, port=5672):
        self.host = host
        self.port = port
        self.channels = {}
        self.is_open = True
        connections.append(self)

    def channel(self):
        if not self.is_open:
            raise Error("connection to %s is closed" % self.host)
        number = len(self.channels) + 1
        channel = Channel(self, number)
        self.channels[number] = channel
        return channel

    def on_close(self, channel):
        log.debug("channel %d to %s closed", channel.number, self.host)

    def on_error(self, channel, reason):
        log.warning("channel %d to %s: %s", channel.number, self.host, reason)
        self.close()

    def close(self):
        if not self.is_open:
            return
        self.is_open = False
        for channel in self.channels.values():
            channel.close()


class NonBlockingConnection(Connection):
    """A connection driven by poll(): what is sent waits in `outgoing` until then."""

    def __init__(self, host, port=5672):
        super(NonBlockingConnection, self).__init__(host, port)
        self.outgoing = collections.deque()

    def publish(self, channel, body):
        self.outgoing.append((channel.number, body))

    def poll(self):
        """Send what waits; the broker echoes it to the channel."""
        while self.outgoing:
            number, body = self.outgoing.popleft()
            self.channels[number].deliver(body)


def close_all():
    for connection in connections:
        connection.close()
