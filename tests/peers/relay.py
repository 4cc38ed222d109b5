"""A relay before a server, which makes it slow, has it hang, or cuts it off, and counts what it is asked.

Not a program: `benches/fleet` uses it. All relays run on one thread; every method may be called from any other.
"""
import asyncio
import collections
import os
import threading
import time

Count = collections.namedtuple("Count", "requests sent received seconds")


class Relays:
    """The thread on which relays run."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def do(self, work):
        """What a coroutine gives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


class Relay:
    """The way to one server: a port of this machine, or the path of a UNIX socket."""

    def __init__(self, relays, way, ear, delay=0.0):
        """`ear` is the path to listen on, or 0 for a free port; `delay` comes before each answer, in seconds."""
        self.relays, self.way, self.ear, self.delay = relays, way, ear, delay
        self.requests = self.sent = self.received = 0
        self.seconds = 0.0                   # that the server took to answer
        self.listener, self.streams = None, set()
        relays.do(self.open())

    async def open(self):
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        await self.listen()

    async def listen(self):
        if isinstance(self.ear, str):
            self.listener = await asyncio.start_unix_server(self.serve, self.ear)
        else:
            self.listener = await asyncio.start_server(self.serve, "127.0.0.1", self.ear)
            self.ear = self.listener.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.streams.add(writer)
        try:
            if isinstance(self.way, str):
                there = await asyncio.open_unix_connection(self.way)
            else:
                there = await asyncio.open_connection("127.0.0.1", self.way)
        except OSError:                      # the server is down: so is its relay
            writer.close()
            return
        self.streams.add(there[1])
        clock = {"since": None, "asked": False}
        await asyncio.gather(self.pump(reader, there[1], clock, True), self.pump(there[0], writer, clock, False),
                             return_exceptions=True)
        for stream in (writer, there[1]):
            self.streams.discard(stream)
            stream.close()

    async def pump(self, reader, writer, clock, is_request):
        while piece := await reader.read(1 << 18):
            await self.goes_on.wait()
            now = time.monotonic()
            if is_request:
                self.requests += not clock["asked"]
                self.sent += len(piece)
                clock["asked"], clock["since"] = True, now
            else:
                self.received += len(piece)
                if clock["since"] is not None:
                    self.seconds += now - clock["since"]
                if clock["asked"]:
                    clock["asked"] = False
                    await asyncio.sleep(self.delay)
                clock["since"] = time.monotonic()
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def count(self):
        return Count(self.requests, self.sent, self.received, self.seconds)

    def freeze(self):
        """Connections are taken, and nothing is answered."""
        self.relays.loop.call_soon_threadsafe(self.goes_on.clear)

    def thaw(self):
        self.relays.loop.call_soon_threadsafe(self.goes_on.set)

    def cut(self):
        """All connections end, and new ones are refused."""
        self.relays.do(self.close())

    async def close(self):
        self.listener.close()
        for stream in list(self.streams):
            stream.transport.abort()
        if isinstance(self.ear, str) and os.path.exists(self.ear):
            os.unlink(self.ear)

    def back(self):
        self.relays.do(self.listen())
