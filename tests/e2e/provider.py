# SPDX-License-Identifier: Apache-2.0
"""provider: a scripted provider behind the gateway, one thread for each connection.

It keeps the exact bytes of each connection and reads them with the strict reader of wire.py: anything unclean that the
gateway sends upstream is kept in .faults and fails the test. An answer is a list of steps:

    b"…"            send these bytes
    Each(b"…")      send them one by one
    Wait(event)     go on when the test says so (threading.Event)
    Close, Reset    end the connection, the second with RST
    HalfClose       end our side of it and go on reading
    Never           say nothing more, until the gateway gives up
"""
import socket
import struct
import threading
import time

import wire


class Each:
    def __init__(self, data):
        self.data = data


class Wait:
    def __init__(self, event):
        self.event = event


class _Word:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


Close, Reset, HalfClose, Never = _Word("Close"), _Word("Reset"), _Word("HalfClose"), _Word("Never")


class Connection:
    def __init__(self, index, sock):
        self.index, self.sock = index, sock
        self.reader = wire.Reader(sock, timeout=60)
        self.requests = 0
        self.ended = threading.Event()      # the gateway (or we) ended it
        self.by_gateway = False

    @property
    def received(self):
        return bytes(self.reader.log)


class Provider:
    """answer(request) → list of steps (or bytes); early(request) the same before the body is read, or None."""

    def __init__(self, answer, early=None, on_connect=None, family=socket.AF_INET):
        self.answer, self.early, self.on_connect = answer, early, on_connect
        self.requests, self.connections, self.faults = [], [], []
        self.changed = threading.Condition()
        self.stopping = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in self.connections:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait_for(self, condition, timeout=5.0):
        """Block until condition() holds; it is looked at again whenever something came."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f"the provider saw {len(self.requests)} requests on {len(self.connections)} "
                                     f"connections within {timeout} s, and that was not what the test waits for")

    def with_body(self, mark):
        with self.changed:
            return [r for r in self.requests if mark in r.body]

    def forget(self):
        """Forget the requests so far (the bytes of the connections are kept)."""
        with self.changed:
            self.requests.clear()

    def saw(self, data):
        """Whether these bytes came on any connection, in any form."""
        return any(data in c.received for c in self.connections)

    def _note(self, append_to=None, item=None):
        with self.changed:
            if append_to is not None:
                append_to.append(item)
            self.changed.notify_all()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c = Connection(len(self.connections), sock)
            self._note(self.connections, c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            if self.on_connect and not self._play(c, self.on_connect(c)):
                return
            while self._one(c):
                pass
        except wire.Malformed as e:
            self._note(self.faults, f"{e}; connection {c.index} received {c.received[-600:]!r}")
        except (wire.Ended, wire.Late, OSError):
            pass
        finally:
            if c.reader.eof:
                c.by_gateway = True
            c.sock.close()
            c.ended.set()
            self._note()

    def _one(self, c):
        early = []

        def head(request):
            request.connection = c
            c.requests += 1
            if self.early:
                steps = self.early(request)
                if steps is not None:
                    early.append(steps)
                    self._note(self.requests, request)
                    raise _Early
        try:
            request = wire.read_request(c.reader, head)
        except _Early:
            self._play(c, early[0])
            return False
        if request is None:
            return False
        self._note(self.requests, request)
        return self._play(c, self.answer(request))

    def _play(self, c, steps):
        """True: the connection stays usable for another request."""
        for step in [steps] if isinstance(steps, (bytes, bytearray)) else steps:
            if isinstance(step, (bytes, bytearray)):
                c.sock.sendall(step)
            elif isinstance(step, Each):
                for piece in wire.byte_by_byte(step.data):
                    c.sock.sendall(piece)
                    time.sleep(0.00003)
            elif isinstance(step, Wait):
                step.event.wait(30)
            elif step is Close:
                c.sock.shutdown(socket.SHUT_RDWR)
                return False
            elif step is Reset:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif step is HalfClose:
                c.sock.shutdown(socket.SHUT_WR)
            elif step is Never:
                while not self.stopping and c.reader.fill():
                    pass
                return False
            else:
                raise AssertionError(f"not a step: {step!r}")
        return True


class _Early(Exception):
    pass
