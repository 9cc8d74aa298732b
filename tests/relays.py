"""What may stand between a client and its server: relays of our own that hang, or that share sessions."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psycopg

_SECURITY = (80877103, 80877104)  # what asks for TLS, and for GSSAPI
_CANCELS = 80877102


class Relay:
    """Passes everything on, until it is told to hang: then nothing, without closing anything.

    ``meddle`` gets what the server says, piece by piece, and returns what is passed on of it.
    """

    def __init__(
        self, host: str, port: int, meddle: Callable[[bytes], Iterable[bytes]] = lambda data: (data,)
    ) -> None:
        self._meddle = meddle
        self._to = (host, port)
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.passed = 0  # bytes from the server
        self.hangs_after = -1
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """From now on nothing gets through, and new clients are heard by nobody."""
        self._open.clear()

    def close(self) -> None:
        self._open.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                server = socket.create_connection(self._to)
                self._sockets.append(server)
                if self._listener.fileno() < 0:  # closed meanwhile
                    self.close()
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        from_server = source.getpeername() == self._to
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if from_server:
                    self.passed += len(data)
                    if 0 <= self.hangs_after < self.passed:
                        self.hang()
                self._open.wait()
                for piece in self._meddle(data) if from_server else (data,):
                    sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)


class SharingPooler:
    """A pooler in transaction mode: each transaction of a client goes to whichever session is free.

    In session mode (``keeps``) a client has its session for good, and the others wait for theirs. Clients are
    told of a process that no server has, as poolers do; settings in the first packet are refused.
    """

    def __init__(self, conninfo: str, sessions: int = 1, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self._over = False
        self._free: list[socket.socket] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count(7_000_001)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held: list[psycopg.Connection] = []
        self._clients: list[socket.socket] = []
        for _ in range(sessions):
            held = psycopg.connect(conninfo)
            self._held.append(held)
            wire = socket.socket(fileno=os.dup(held.fileno()))
            wire.setblocking(True)
            self._free.append(wire)
        self._wires = list(self._free)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for each in (self._listener, *self._clients, *self._wires):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)  # each closes its client
        for each in (self._listener, *self._wires):
            each.close()
        for held in self._held:
            held.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, EOFError, IndexError):
            if not self._greet(client):
                return
            while True:
                first = _message(client)
                if first[:1] == b"X":
                    return
                if self._keeps:
                    with self._changed:
                        self._changed.wait_for(lambda: self._free or self._over)
                        server = self._free.pop()
                    while True:  # whoever comes later would hear what this one did not wait for
                        self._transaction(client, server, first)
                        first = _message(client)
                with self._session() as server:
                    self._transaction(client, server, first)

    @contextmanager
    def _session(self) -> Iterator[socket.socket]:
        with self._changed:
            self._changed.wait_for(lambda: self._free)
            server = self._free.pop()
        try:
            yield server
        finally:
            with self._changed:
                self._free.append(server)
                self._changed.notify()

    def _greet(self, client: socket.socket) -> bool:
        while True:
            (size,) = struct.unpack("!I", _exactly(client, 4))
            body = _exactly(client, size - 4)
            (code,) = struct.unpack("!I", body[:4])
            if code == _CANCELS:
                return False
            if code not in _SECURITY:
                break
            client.sendall(b"N")
        if b"\0options\0" in body:
            said = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            client.sendall(b"E" + struct.pack("!I", len(said) + 4) + said)
            return False
        said = b"R" + struct.pack("!II", 8, 0)
        info = self._held[0].info
        for name in ("server_version", "client_encoding", "DateStyle", "standard_conforming_strings"):
            pair = f"{name}\0{info.parameter_status(name)}\0".encode()
            said += b"S" + struct.pack("!I", len(pair) + 4) + pair
        said += b"K" + struct.pack("!III", 12, next(self._numbers), 1) + b"Z" + struct.pack("!I", 5) + b"I"
        client.sendall(said)
        return True

    def _transaction(self, client: socket.socket, server: socket.socket, first: bytes) -> None:
        message = first
        while True:
            server.sendall(message)
            while message[:1] not in b"QS":  # what the server answers without being asked again
                message = _message(client)
                server.sendall(message)
            state = b""
            while not state:
                answer = _message(server)
                client.sendall(answer)
                state = answer[5:6] if answer[:1] == b"Z" else b""
            if state == b"I":
                return
            message = _message(client)
            if message[:1] == b"X":
                raise EOFError


def _message(wire: socket.socket) -> bytes:
    head = _exactly(wire, 5)
    return head + _exactly(wire, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(wire: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        some = wire.recv(size - len(found))
        if not some:
            raise EOFError
        found += some
    return found
