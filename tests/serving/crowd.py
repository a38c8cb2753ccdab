"""Many clients at once, each asking again as soon as it has its answer."""

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Told:
    """What the clients saw together."""

    answered: int = 0
    statuses: set = field(default_factory=set)
    # Asked and not answered: the connection ended between the request and the end of its answer.
    lost: list = field(default_factory=list)
    # Connections that nobody took: there was no server to lose a request.
    refused: int = 0


def request(path, body):
    """The bytes of a POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader):
    """Status, headers and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def client(port, asked, told, ended, kept):
    """Ask until told to end, or until nobody listens any more; connect anew where the server closes."""
    while not ended():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            told.refused += 1
            return
        try:
            while not ended():
                try:
                    writer.write(asked)
                    status, headers, _body = await answer(reader)
                except (OSError, asyncio.IncompleteReadError) as error:
                    told.lost.append(repr(error))
                    break
                told.answered += 1
                told.statuses.add(status)
                if not kept or headers.get("connection") == "close":
                    break
        finally:
            writer.close()


def crowd(port, asked, *, clients, event, seconds=60, new=0):
    """Let clients ask at full speed while something happens.

    Args:
        port: of the server.
        asked: bytes of the request.
        clients: how many.
        event: called in a thread once all of them have asked; they end when it returns True, or the server
            has gone.
        seconds: at most.
        new: of the clients, those that connect anew for each request.
    """

    async def run():
        told, done = Told(), False
        end = time.monotonic() + seconds

        def ended():
            return done or time.monotonic() > end

        tasks = [asyncio.create_task(client(port, asked, told, ended, i >= new)) for i in range(clients)]
        while told.answered < 2 * clients and not ended():
            await asyncio.sleep(0.01)
        done = bool(await asyncio.to_thread(event))
        await asyncio.gather(*tasks)
        return told

    return asyncio.run(run())
