"""A server that does nothing but answer the same bytes: what the load generator is measured with.

It prints its port and ends when its standard input does.
"""

from __future__ import annotations

import select
import socket
import sys

BODY = b'{"predictions":[1.5]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


def serve(listener: socket.socket) -> None:
    """Answer until standard input ends; one read is taken for one request."""
    clients: dict[int, socket.socket] = {}
    with select.epoll() as poll:
        for number in (0, listener.fileno()):
            poll.register(number, select.EPOLLIN)
        while True:
            for number, _ in poll.poll():
                if number == 0:
                    return
                if number == listener.fileno():
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    clients[client.fileno()] = client
                    poll.register(client.fileno(), select.EPOLLIN)
                elif _received(clients[number]):
                    clients[number].send(ANSWER)
                else:
                    clients.pop(number).close()


def _received(client: socket.socket) -> bool:
    try:
        return bool(client.recv(65536))
    except ConnectionResetError:
        return False


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        serve(listening)
    sys.exit(0)
