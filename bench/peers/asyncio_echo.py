#!/usr/bin/env python3
"""Python's asyncio: a Protocol for each connection, which is what costs least there."""

import asyncio
import signal
import sys


class Echo(asyncio.Protocol):
    """TCP_NODELAY is asyncio's default; at the end of the stream it closes when all is written."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main(port):
    loop = asyncio.get_running_loop()
    terminated = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, terminated.set)
    await loop.create_server(Echo, "127.0.0.1", port, backlog=4096)
    print("listening", flush=True)
    await terminated.wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: asyncio PORT")
    asyncio.run(main(int(sys.argv[1])))
