"""The clients of a long run: they check every answer, and tell a lost one from an excused one."""

from __future__ import annotations

import gzip
import hashlib
import random
import socket
import ssl
import struct
import threading
import time

from .book import ABANDONED, EXCUSED, LOST, RACED, Book
from .site import Server

PATIENCE = 25.0
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


class Broken(Exception):
    """A connection that ended before the answer did."""


class Wrong(Exception):
    """An answer that is not the right one."""


class Connection:
    def __init__(self, port: int, tls: bool = False, small_window: bool = False):
        self.last = time.monotonic()
        self.child: int | None = None
        self.answers = 0
        self.buffer = b""
        self.closing = False
        self.received_part = False
        self.socket = socket.socket()
        try:
            self.socket.settimeout(PATIENCE)
            if small_window:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.connect(("127.0.0.1", port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.socket = TLS.wrap_socket(self.socket)
        except BaseException:
            self.socket.close()
            raise

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise Broken("end of stream")
        self.buffer += data

    def line(self) -> bytes:
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def take(self, count: int, pause: float = 0.0) -> bytes:
        parts, have = [self.buffer[:count]], min(len(self.buffer), count)
        self.buffer = self.buffer[count:]
        while have < count:
            data = self.socket.recv(min(1 << 18, count - have))
            if not data:
                raise Broken(f"end of stream after {have} of {count} bytes")
            parts.append(data)
            have += len(data)
            if pause:
                time.sleep(pause)
        return b"".join(parts)

    def answer(self, head: bool = False, pause: float = 0.0) -> tuple[int, dict[str, str], bytes]:
        self.received_part = False
        while True:
            words = self.line().split(b" ", 2)
            self.received_part = True
            if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
                raise Wrong(f"status line {words!r}")
            status, fields = int(words[1]), {}
            while line := self.line():
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            if status >= 200:
                break
        if "x-child" in fields:
            self.child = int(fields["x-child"])
        connection = fields.get("connection", "").lower()
        self.closing = connection == "close" or (words[0] == b"HTTP/1.0")
        if head or status in (204, 304):
            body = b""
        elif fields.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.line().split(b";")[0], 16):
                parts.append(self.take(size, pause))
                if self.line():
                    raise Wrong("a chunk longer than said")
            while self.line():
                pass
            body = b"".join(parts)
        elif "content-length" in fields:
            body = self.take(int(fields["content-length"]), pause)
        else:
            self.closing = True
            parts = [self.buffer]
            while data := self.socket.recv(1 << 16):
                parts.append(data)
            body, self.buffer = b"".join(parts), b""
        self.answers += 1
        self.last = time.monotonic()
        return status, fields, body

    def close(self) -> None:
        try:
            self.socket.close()
        except OSError:
            pass

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Request:
    """A request and what its answer has to be."""

    def __init__(self, kind, method, path, fields=(), body=b"", status=200, expected=None, version="1.1",
                 chunked=False):
        self.kind, self.method, self.path, self.fields = kind, method, path, list(fields)
        self.body, self.status, self.expected, self.version = body, status, expected, version
        self.chunked = chunked

    def bytes(self, number: int, close: bool) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/{self.version}", "Host: soak.example", f"n: {number}"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        if close and self.version == "1.1":
            lines.append("Connection: close")
        if not close and self.version == "1.0":
            lines.append("Connection: keep-alive")
        body = self.body
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            parts = [body[at:at + 5000] for at in range(0, len(body), 5000)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif body or self.method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def check(self, status: int, fields: dict[str, str], body: bytes) -> None:
        if status != self.status:
            raise Wrong(f"{self.kind}: status {status}, not {self.status}: {body[:200]!r}")
        if fields.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.expected is not None:
            length, digest = self.expected
            if len(body) != length or hashlib.sha256(body).hexdigest() != digest:
                raise Wrong(f"{self.kind}: {len(body)} bytes, not {length}, or others: {body[:100]!r}")


def known(content: bytes) -> tuple[int, str]:
    return len(content), hashlib.sha256(content).hexdigest()


ANN = ("Authorization", "Basic YW5uOnJpZ2h0")
EMPTY = known(b"")
MAKERS = {}


def maker(weight: int):
    def add(function):
        MAKERS[function.__name__] = (weight, function)
        return function
    return add


def random_body(chance: random.Random, most: int) -> bytes:
    return bytes([chance.randrange(256)]) * chance.choice([1, 100, 9000, chance.randrange(1, most)])


@maker(30)
def small(site, chance):
    return Request("small", "GET", "/small.txt", expected=site.digests["small.txt"])


@maker(5)
def middle(site, chance):
    return Request("middle", "GET", "/middle.bin", expected=site.digests["middle.bin"])


@maker(2)
def large(site, chance):
    return Request("large", "GET", "/large.bin", expected=site.digests["large.bin"])


@maker(5)
def deflated(site, chance):
    fields = [("Accept-Encoding", "gzip")]
    return Request("deflated", "GET", "/deflated/text.txt", fields, expected=site.digests["deflated/text.txt"])


@maker(8)
def authorized(site, chance):
    return Request("authorized", "GET", "/auth/secret.txt", [ANN], expected=site.digests["auth/secret.txt"])


@maker(4)
def refused(site, chance):
    return Request("refused", "GET", "/auth/secret.txt", status=401)


@maker(4)
def missing(site, chance):
    return Request("missing", "GET", "/no/such/page", status=404)


@maker(2)
def program(site, chance):
    return Request("program", "GET", "/cgi/hello", expected=known(b"hello from a program\n"))


@maker(2)
def program_with_body(site, chance):
    body = random_body(chance, 50_000)
    return Request("program with body", "POST", "/cgi/hello", body=body,
                   expected=known(b"hello from a program\n" + body))


@maker(10)
def echo(site, chance):
    body = random_body(chance, 200_000)
    return Request("echo", "POST", "/echo", body=body, expected=known(body))


@maker(6)
def chunked_echo(site, chance):
    body = random_body(chance, 100_000)
    return Request("chunked echo", "POST", "/echo", body=body, chunked=True, expected=known(body))


@maker(10)
def count(site, chance):
    number = chance.choice([0, 1, 1000, 8192, 100_000, chance.randrange(300_000)])
    return Request("count", "GET", f"/count/{number}", expected=known(b"c" * number))


@maker(5)
def old(site, chance):
    return Request("old", "GET", "/small.txt", version="1.0", expected=site.digests["small.txt"])


@maker(3)
def head(site, chance):
    return Request("head", "HEAD", "/middle.bin", expected=EMPTY)


@maker(3)
def partial(site, chance):
    content = (site.root / "site/middle.bin").read_bytes()[100:5000]
    return Request("partial", "GET", "/middle.bin", [("Range", "bytes=100-4999")], status=206,
                   expected=known(content))


@maker(2)
def unread_body(site, chance):
    """A body that nobody asks for."""
    return Request("unread body", "POST", "/no/such/page", body=random_body(chance, 100_000), status=404)


@maker(1)
def bad(site, chance):
    return Request("bad", "GET", "/small.txt", [("Content-Length", "x")], status=400)


class Loader(threading.Thread):
    """Base of all clients: runs `turn` while the soak is on, and rests when told."""

    def __init__(self, server: Server, book: Book, control, seed: int):
        super().__init__(daemon=True)
        self.server, self.book, self.control = server, book, control
        self.chance = random.Random(seed)
        weights = [weight for weight, _ in MAKERS.values()]
        self.makers = [function for _, function in MAKERS.values()]
        self.weights = weights
        self.resting = threading.Event()

    def run(self) -> None:
        while not self.control.over.is_set():
            if not self.control.on.is_set():
                self.resting.set()
                self.control.on.wait(0.2)
                continue
            self.resting.clear()
            try:
                self.turn()
            except Exception as error:  # The client itself is at fault: never silently.
                self.book.complain("client errors", f"{type(self).__name__}: {error!r}")
                time.sleep(0.1)
        self.resting.set()

    def pick(self) -> Request:
        return self.chance.choices(self.makers, self.weights)[0](self.server.site, self.chance)

    def connect(self, **more) -> Connection | None:
        try:
            tls = more.get("tls", False)
            return Connection(self.server.tls_port if tls else self.server.port, **more)
        except (OSError, ssl.SSLError) as error:
            if isinstance(error, (ConnectionRefusedError, TimeoutError)) or not self.book.excuses(None, time.monotonic() - 1):
                self.book.complain("connections lost", repr(error))
            else:
                self.book.counts["connections excused"] += 1
            return None

    def failed(self, connection, number, request, since, error) -> None:
        """Judges a request whose connection broke."""
        nothing_came = not connection.buffer and not isinstance(error, TimeoutError)
        if not isinstance(error, TimeoutError) and self.book.excuses(connection.child, connection.last):
            self.book.mark(number, EXCUSED)
            self.book.counts["excused"] += 1
        elif connection.answers and nothing_came and not connection.received_part:
            self.book.mark(number, RACED)
            self.book.counts["raced"] += 1
            if self.book.counts["raced"] <= 5:
                self.book.complaints.append(f"{time.strftime('%T')} raced: {number} {request.kind} child {connection.child}")
        else:
            self.book.mark(number, LOST)
            self.book.complain("lost", f"{number} {request.kind} child {connection.child} "
                               f"answers {connection.answers} after {time.monotonic() - since:.2f}s: {error!r}")

    def exchange(self, connection, request, close, pause=0.0) -> bool:
        """One request; false when the connection cannot be used further."""
        number = self.book.number(request.kind)
        since = time.monotonic()
        try:
            try:
                connection.send(request.bytes(number, close))
            except (BrokenPipeError, ConnectionResetError):
                # An answer may have come before the body was taken.
                if connection.answers or not request.body:
                    raise
            status, fields, body = connection.answer(request.method == "HEAD", pause)
        except (Broken, OSError, ssl.SSLError) as error:
            self.failed(connection, number, request, since, error)
            return False
        except (Wrong, ValueError) as error:
            self.book.mark(number, LOST)
            self.book.complain("wrong", f"{number} child {connection.child}: {error}")
            return False
        self.book.answered(number, status, connection.child)
        try:
            request.check(status, fields, body)
        except Wrong as error:
            self.book.complain("wrong", f"{number} child {connection.child}: {error}")
        return not (close or connection.closing)


class Visitor(Loader):
    """Mixed requests on connections of all sorts."""

    def turn(self) -> None:
        tls = self.chance.random() < 0.08
        connection = self.connect(tls=tls)
        if connection is None:
            return
        try:
            if not tls and self.chance.random() < 0.08:
                return self.pipeline(connection)
            last = self.chance.choice([1, 1, 3, 20, 60])
            for turn in range(1, last + 1):
                request = self.pick()
                go_on = self.exchange(connection, request, close=turn == last and self.chance.random() < 0.7)
                if not go_on or not self.control.on.is_set():
                    return
                if self.chance.random() < 0.03:
                    # Idle, up to about the keep-alive time.
                    time.sleep(self.chance.choice([0.01, 0.3, 2.0]))
        finally:
            connection.close()

    def pipeline(self, connection: Connection) -> None:
        requests = []
        while len(requests) < 6:
            request = self.pick()
            if request.method == "GET" and request.version == "1.1" and request.status in (200, 206, 404):
                requests.append(request)
        numbers = [self.book.number(request.kind + " pipelined") for request in requests]
        since = time.monotonic()
        done = 0
        try:
            connection.send(b"".join(
                request.bytes(number, close=request is requests[-1])
                for request, number in zip(requests, numbers)
            ))
            for request, number in zip(requests, numbers):
                status, fields, body = connection.answer()
                self.book.answered(number, status, connection.child)
                done += 1
                request.check(status, fields, body)
                if connection.closing and done < len(requests):
                    # The server said so: what follows has to be sent again.
                    self.book.counts["pipelined behind a close"] += len(requests) - done
                    for rest in numbers[done:]:
                        self.book.mark(rest, RACED)
                    return
        except (Broken, OSError) as error:
            self.failed(connection, numbers[done], requests[done], since, error)
            for rest in numbers[done + 1:]:
                self.book.mark(rest, ABANDONED)
        except (Wrong, ValueError) as error:
            self.book.complain("wrong", f"{numbers[done - 1]} pipelined: {error}")


class SlowReader(Loader):
    """A download that takes seconds, and has to come whole also when the server restarts."""

    def turn(self) -> None:
        connection = self.connect(small_window=True)
        if connection is None:
            return
        try:
            self.exchange(connection, large(self.server.site, self.chance), close=True, pause=0.004)
        finally:
            connection.close()


class Staller(Loader):
    """Sends half of something, and waits for the server to lose patience."""

    def turn(self) -> None:
        connection = self.connect()
        if connection is None:
            return
        number = self.book.number("stalled")
        self.book.mark(number, ABANDONED)
        try:
            what = self.chance.choice(["nothing", "head", "body", "chunk", "reader", "trickle"])
            start = f"POST /echo HTTP/1.1\r\nHost: soak.example\r\nn: {number}\r\n".encode()
            if what == "head":
                connection.send(start)
            elif what == "body":
                connection.send(start + b"Content-Length: 100000\r\n\r\n" + b"x" * 5000)
            elif what == "chunk":
                connection.send(start + b"Transfer-Encoding: chunked\r\n\r\nffff\r\nxx")
            elif what == "nothing":
                # The system itself keeps such connections from a server that asks it to.
                time.sleep(3)
                return
            elif what == "reader":
                connection.send(
                    f"GET /large.bin HTTP/1.1\r\nHost: a\r\nn: {number}\r\nConnection: close\r\n\r\n".encode()
                )
                time.sleep(9)  # Longer than Timeout.
            if what == "trickle":
                for byte in start[:40]:
                    connection.send(bytes([byte]))
                    time.sleep(0.1)
            begun = time.monotonic()
            while connection.socket.recv(1 << 16):
                pass
            self.book.counts[f"stalled clients cut ({what})"] += 1
        except TimeoutError:
            self.book.complain("never cut", f"{what} {number}, {time.monotonic() - begun:.1f}s")
        except OSError:
            self.book.counts[f"stalled clients cut ({what})"] += 1
        finally:
            connection.close()


class Aborter(Loader):
    """Ends connections with a reset in the middle of everything."""

    def turn(self) -> None:
        connection = self.connect()
        if connection is None:
            return
        request = self.pick()
        number = self.book.number("aborted")
        self.book.mark(number, ABANDONED)
        data = request.bytes(number, close=False)
        try:
            what = self.chance.randrange(4)
            if what == 0:
                connection.send(data[:self.chance.randrange(len(data))])
            elif what == 1:
                connection.send(data)
            else:
                connection.send(data)
                connection.socket.recv(self.chance.choice([1, 100, 5000]))
            if what == 3:
                time.sleep(self.chance.random() * 0.05)
        except OSError:
            pass
        connection.reset()
        time.sleep(0.02)
