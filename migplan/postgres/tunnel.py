"""Encrypted sessions whose encryption ends with us, so that rows can be read from them as from any other.

libpq decrypts what it receives, and hands out one row at a time. So for rows there is a second session:
libpq speaks to a socket of ours as if the server were on this machine, in a folder that only its user may
enter; behind it we speak TLS with the server, and look at its certificate as libpq would. How to log in is
between libpq and the server, but for passwords that are bound to the encryption (SCRAM-SHA-256-PLUS): these
only who encrypts can give. Where something is asked for that this cannot do, the answer is no, and libpq
does everything.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from migplan.errors import ConnectError
from migplan.postgres.session import Session, connect

if TYPE_CHECKING:
    from scramp import ScramClient

log = logging.getLogger(__name__)

_WANTS_TLS = struct.pack("!II", 8, 80877103)
_LOGIN, _FAILED, _SASL, _BOUND = b"R", b"E", 10, "SCRAM-SHA-256-PLUS"
_HOW = "tls-server-end-point"
_BLOCK = 1 << 16
_SECONDS = 15.0  # for the way to the server, and for its certificate

# What libpq is not to do on its way to our socket; all of it we do on the way to the server.
_OURS = (
    "host",
    "hostaddr",
    "port",
    "sslmode",
    "gssencmode",
    "sslnegotiation",
    "channel_binding",
    "requirepeer",
)
# What only libpq knows: a session that asks for it is left to it.
_ONLY_LIBPQ = ("sslcrl", "sslcrldir", "sslpassword", "sslkeylogfile", "requiressl")


class _CannotError(Exception):
    """Why there is no way but libpq's."""


def connected_for_rows(session: Session) -> Session:
    """Another session in place of this one whose rows can be read fast, if there can be; else this one."""
    if not session.pgconn.ssl_in_use or session.pooled or session.shared:
        return session
    try:
        found = _through(session)
    except (_CannotError, ConnectError, OSError, KeyError) as error:
        log.info("rows of session %d go through libpq: %s", session.process, error)
        return session
    session.close()
    return found


def _through(session: Session) -> Session:
    known = {option.keyword.decode(): (option.val or b"").decode() for option in session.pgconn.info}
    tunnel = _Tunnel(_server_of(session, known))
    address = session.address
    try:
        params = {name: value for name, value in address.params.items() if name not in _OURS}
        ours = {"host": str(tunnel.folder), "port": "5432", "sslmode": "disable", "gssencmode": "disable"}
        found = connect(replace(address, params={**params, "password": session.info.password, **ours}))
    except BaseException:
        tunnel.close()
        raise
    found.address = address
    return found


@dataclass(frozen=True)
class _Login:
    """Logs in where the password is bound to the encryption."""

    user: str
    password: str = field(repr=False)
    channel_binding: str  # prefer, require or disable

    def begin(self, client: socket.socket, server: ssl.SSLSocket) -> None:
        """Pass on how a session begins, until libpq can do the rest by itself."""
        server.sendall(_first_packet(client))
        while True:
            letter, body = _message(server)
            kind = int.from_bytes(body[:4], "big") if letter == _LOGIN else None
            if kind == _SASL and _BOUND.encode() in body and self.channel_binding != "disable":
                letter, body = self._bound(server, body[4:].decode().rstrip("\0").split("\0"))
            elif self.channel_binding == "require" and kind is not None:
                raise _CannotError("the server does not bind passwords to the encryption")
            elif kind == _SASL:  # without encryption libpq does not know the other way
                body = body.replace(_BOUND.encode() + b"\0", b"")
            client.sendall(_packed(letter, body))
            if letter in {_LOGIN, _FAILED}:
                return

    def _bound(self, server: ssl.SSLSocket, mechanisms: list[str]) -> tuple[bytes, bytes]:
        """Give the password, and return what the server says to it."""
        from scramp import ScramClient, ScramException  # noqa: PLC0415 - few servers ask for it

        try:
            return self._proved(server, ScramClient(mechanisms, self.user, self.password, (_HOW, server)))
        except ScramException as error:
            raise _CannotError(f"the password cannot be given: {error}") from None

    def _proved(self, server: ssl.SSLSocket, scram: ScramClient) -> tuple[bytes, bytes]:
        first = scram.get_client_first().encode()
        server.sendall(_packed(b"p", _BOUND.encode() + b"\0" + len(first).to_bytes(4, "big") + first))
        letter, body = _message(server)
        if letter == _LOGIN:
            scram.set_server_first(body[4:].decode())
            server.sendall(_packed(b"p", scram.get_client_final().encode()))
            letter, body = _message(server)
        if letter == _LOGIN:
            scram.set_server_final(body[4:].decode())  # which raises unless it knows the password, too
            letter, body = _message(server)
        return letter, body


class _Server:
    """The way to a server, and what must be true of its certificate."""

    def __init__(
        self, host: str, place: tuple[str, int], context: ssl.SSLContext, login: _Login, *, direct: bool
    ) -> None:
        self.login = login
        self._host = host
        self._place = place
        self._context = context
        self._direct = direct

    def connect(self) -> ssl.SSLSocket:
        """A connection that is encrypted, before anybody has logged in."""
        plain = socket.create_connection(self._place, timeout=_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if not self._direct:
                plain.sendall(_WANTS_TLS)
                if plain.recv(1) != b"S":
                    raise _CannotError("the server speaks no TLS this time")
            return self._context.wrap_socket(plain, server_hostname=self._host or None)
        except BaseException:
            plain.close()
            raise


def _server_of(session: Session, known: Mapping[str, str]) -> _Server:
    """The server of a session, reached and trusted as libpq did; ``known`` are all of its parameters."""
    for name in _ONLY_LIBPQ:
        if known.get(name) not in {None, "", "0"}:
            raise _CannotError(f"{name} is set")
    context = _context(known, Path.home() / ".postgresql")
    info = session.info
    host = "" if known.get("sslsni") == "0" else info.host
    if context.check_hostname and not host:
        raise _CannotError("sslsni=0 and verify-full")
    place = (info.hostaddr or info.host, info.port)
    login = _Login(info.user, info.password, known.get("channel_binding") or "prefer")
    return _Server(host, place, context, login, direct=known.get("sslnegotiation") == "direct")


def _context(known: Mapping[str, str], home: Path) -> ssl.SSLContext:
    """What libpq's parameters ask of an encrypted connection; ``home`` holds the files it looks for."""
    if (home / "root.crl").exists():
        raise _CannotError("there is a list of revoked certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    root = known.get("sslrootcert") or str(home / "root.crt")
    context.check_hostname = root == "system" or known.get("sslmode") == "verify-full"
    if root == "system":
        context.load_default_certs()
    elif Path(root).exists():  # which makes libpq look at the certificate, whatever sslmode says
        context.load_verify_locations(root)
    elif known.get("sslmode") in {"verify-ca", "verify-full"}:
        raise _CannotError(f"{root} is not there")
    else:
        context.verify_mode = ssl.CERT_NONE
    _own_certificate(context, known, home)
    for name, attribute in (("min", "minimum_version"), ("max", "maximum_version")):
        if version := known.get(f"ssl_{name}_protocol_version"):
            setattr(context, attribute, ssl.TLSVersion[version.replace(".", "_")])
    context.set_alpn_protocols(["postgresql"])
    return context


def _own_certificate(context: ssl.SSLContext, known: Mapping[str, str], home: Path) -> None:
    certificate = known.get("sslcert") or str(home / "postgresql.crt")
    if known.get("sslcertmode") == "disable" or not Path(certificate).exists():
        return

    def refuse() -> str:
        raise _CannotError("the key of the client's certificate wants a password")

    context.load_cert_chain(certificate, known.get("sslkey") or str(home / "postgresql.key"), refuse)


class _Tunnel:
    """A socket of ours, behind which a server stands; gone with the first that comes through."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        # Only its user may enter; Python removes it at the very end if nobody else did.
        self._folder = tempfile.TemporaryDirectory(prefix="migplan-tls-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, name="tls", daemon=True).start()

    def close(self) -> None:
        """Let nobody else through."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        first = True
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client, first), name="tls", daemon=True).start()
                first = False  # whoever follows wants to cancel what the first one does

    def _serve(self, client: socket.socket, first: bool) -> None:
        try:
            with client, self._server.connect() as secure:
                if first:
                    self._server.login.begin(client, secure)
                _pump(client, secure)
        except (OSError, _CannotError) as error:  # libpq notices that nobody is there any more
            log.debug("a way through TLS ended: %s", error)
        finally:
            if first:
                self.close()


def _first_packet(client: socket.socket) -> bytes:
    length = _received(client, 4)
    return length + _received(client, int.from_bytes(length, "big") - 4)


def _message(server: socket.socket) -> tuple[bytes, bytes]:
    letter, length = _received(server, 1), _received(server, 4)
    return letter, _received(server, int.from_bytes(length, "big") - 4)


def _packed(letter: bytes, body: bytes) -> bytes:
    return letter + (len(body) + 4).to_bytes(4, "big") + body


def _received(source: socket.socket, size: int) -> bytes:
    if not 0 <= size <= _BLOCK:
        raise _CannotError("what answers there does not speak PostgreSQL's protocol")
    found = b""
    while len(found) < size:
        more = source.recv(size - len(found))
        if not more:
            raise ConnectionResetError("the connection was closed before anybody had logged in")
        found += more
    return found


def _pump(plain: socket.socket, secure: ssl.SSLSocket) -> None:
    """Pass on what either says, until one of them has closed."""
    plain.setblocking(False)
    secure.setblocking(False)
    inward, outward = _Flow(secure, plain), _Flow(plain, secure)
    while not (inward.over or outward.over):
        if inward.moved() or outward.moved():
            continue
        poll = select.poll()
        poll.register(plain, inward.sends | outward.receives)
        poll.register(secure, outward.sends | inward.receives)
        poll.poll()


class _Flow:
    """One direction."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self._source = source
        self._sink = sink
        self._block = bytearray(_BLOCK * 4)
        self._held = memoryview(b"")
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether its source has closed, and all that it said has been passed on."""
        return self._ended and not self._held

    @property
    def receives(self) -> int:
        """What to wait for at its source."""
        return 0 if self._held else select.POLLIN

    @property
    def sends(self) -> int:
        """What to wait for at its sink."""
        return select.POLLOUT if self._held else 0

    def moved(self) -> bool:
        """Pass on what there is; whether there was anything."""
        if not self._held:
            self._held = memoryview(self._block)[: self._filled()]
        before = len(self._held)
        while self._held:
            try:
                self._held = self._held[self._sink.send(self._held) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                break
        return len(self._held) < before

    def _filled(self) -> int:
        """Receive as much as is there; a message of TLS is 16 kB at most."""
        filled = 0
        with memoryview(self._block) as block:
            while filled < len(block):
                try:
                    received = self._source.recv_into(block[filled:])
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    break
                if not received:
                    self._ended = True
                    break
                filled += received
        return filled
