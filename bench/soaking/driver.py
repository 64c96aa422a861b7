"""What happens to the server while clients use it: restarts, changes, crashes."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time

from .book import Book
from .client import Connection
from .site import Server
from .watch import family


class Control:
    """Whether clients are at work, and whether all is over."""

    def __init__(self):
        self.on, self.over = threading.Event(), threading.Event()


class Driver:
    def __init__(self, server: Server, book: Book, survives_bad_configuration: bool):
        self.server, self.book = server, book
        self.number = 0
        self.second_port = False
        self.done = {}
        self.ended: set[int] = set()
        self.events = [
            self.graceful, self.crash, self.new_configuration, self.htaccess, self.burst, self.kill,
            self.toggle_listener, self.at_once, self.crash,
        ]
        if survives_bad_configuration:
            self.events.append(self.bad_configuration)
        self.turn = 0

    def next(self) -> None:
        event = self.events[self.turn % len(self.events)]
        self.turn += 1
        name = event.__name__
        self.done[name] = self.done.get(name, 0) + 1
        self.book.complaints.append(f"{time.strftime('%T')} -- {name}")
        try:
            event()
        except (OSError, ValueError) as error:
            self.book.complain("event failed", f"{name}: {error!r}")

    def children(self) -> set[int]:
        return {pid for pid, stat in family(self.server.pid).items() if int(stat[2]) == self.server.pid}

    def generation(self) -> int | None:
        """The number of the configuration that answers a new connection."""
        try:
            with socket.create_connection(("127.0.0.1", self.server.port), 10) as connection:
                connection.sendall(b"GET /small.txt HTTP/1.0\r\nHost: soak.example\r\n\r\n")
                answer = connection.makefile("rb").read().decode("latin-1")
                return int(re.search(r"X-Configuration: (\d+)", answer)[1])
        except (OSError, TypeError):
            return None

    def restart(self, number: int, what: str) -> None:
        self.number += 1
        self.server.change(self.number, self.second_port)
        self.server.signal(number)
        self.wait_for_generation(what)

    def wait_for_generation(self, what: str) -> None:
        deadline = time.monotonic() + 30
        # Children of the generation before may answer a little longer.
        while self.generation() != self.number:
            if time.monotonic() > deadline:
                self.book.complain("restart without effect", what)
                return
            time.sleep(0.05)

    def graceful(self) -> None:
        self.restart(signal.SIGUSR1, "graceful")

    def new_configuration(self) -> None:
        self.graceful()

    def burst(self) -> None:
        for _ in range(4):
            self.number += 1
            self.server.change(self.number, self.second_port)
            self.server.signal(signal.SIGUSR1)
            time.sleep(0.15)
        self.wait_for_generation("burst")

    def at_once(self) -> None:
        # New children are started until it takes effect; they go as well.
        blow = self.book.blow("restart at once", None)
        before = self.children()
        self.restart(signal.SIGHUP, "at once")
        deadline = time.monotonic() + 15
        while before & self.children() and time.monotonic() < deadline:
            time.sleep(0.05)
        if left := before & self.children():
            self.book.complain("children outlive a restart at once", str(left))
        time.sleep(0.3)
        blow.ended = time.monotonic()
        self.ended |= before | blow.used
        if wrong := blow.used & self.children():
            self.book.complain("lost", f"requests of children that came after a restart at once: {wrong}")

    def toggle_listener(self) -> None:
        self.second_port = not self.second_port
        self.graceful()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.server.second_port), 5).close()
                listens = True
            except OSError:
                listens = False
            if listens == self.second_port:
                return
            time.sleep(0.05)
        self.book.complain("listener", f"wanted {self.second_port}")

    def htaccess(self) -> None:
        self.server.site.htaccess(self.number)

    def bad_configuration(self) -> None:
        self.server.change(self.number, self.second_port, broken=True)
        self.server.signal(signal.SIGUSR1)
        time.sleep(1.5)
        self.server.change(self.number, self.second_port)
        if self.server.process.poll() is not None:
            raise SystemExit("soak: a bad configuration has ended the server")

    def crash(self) -> None:
        """A request whose handler crashes: the child is known from an answer before."""
        with_child = Connection(self.server.port)
        try:
            with_child.send(b"HEAD /small.txt HTTP/1.1\r\nHost: soak.example\r\n\r\n")
            with_child.answer(head=True)
            child = with_child.child
            blow = self.book.blow("crash", {child})
            self.ended.add(child)
            with_child.send(b"GET /crash HTTP/1.1\r\nHost: soak.example\r\n\r\n")
            try:
                if rest := with_child.socket.recv(100):
                    self.book.complain("answer to a crash", repr(rest))
            except ConnectionResetError:
                pass
            self.wait_for_death(child)
            blow.ended = time.monotonic() + 0.2
        finally:
            with_child.close()

    def kill(self) -> None:
        """Kills a child that answers, as the kernel does when memory is short."""
        connection = Connection(self.server.port)
        connection.send(b"HEAD /small.txt HTTP/1.1\r\nHost: soak.example\r\n\r\n")
        connection.answer(head=True)
        child = connection.child
        connection.close()
        blow = self.book.blow("kill", {child})
        self.ended.add(child)
        os.kill(child, signal.SIGKILL)
        self.wait_for_death(child)
        blow.ended = time.monotonic() + 0.2

    def wait_for_death(self, child: int) -> None:
        deadline = time.monotonic() + 10
        while child in self.children():
            if time.monotonic() > deadline:
                self.book.complain("a dead child stays", str(child))
                return
            time.sleep(0.02)
