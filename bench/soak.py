#!/usr/bin/env python3
"""A long run of mixed load, restarts, crashes and misbehaving clients: is anything lost, does anything grow?

See "Soak" in README.md.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from soaking import plateau, watch
from soaking.book import Book
from soaking.client import Aborter, SlowReader, Staller, Visitor
from soaking.driver import Control, Driver
from soaking.site import Server

# Counts that make a run a failure.
FAULTS = [
    "lost", "wrong", "raced", "connections lost", "never cut", "event failed", "client errors",
    "restart without effect", "children outlive a restart at once", "a dead child stays", "listener",
    "answer to a crash",
]
LOG_FAULTS = [
    "answered, not logged", "logged twice", "odd lines", "lines with another status",
    "lines of requests that were raced",
]


def settle(driver: Driver) -> watch.State:
    """What the server holds after a restart, when nothing is left of earlier ones."""
    come_to_rest(driver.server)
    driver.graceful()
    return come_to_rest(driver.server)


def come_to_rest(server: Server) -> watch.State:
    last, same = None, 0
    deadline = time.monotonic() + 60
    # Helpers of children that have left may take seconds to end.
    while same < 7 and time.monotonic() < deadline:
        time.sleep(1)
        state = watch.look(server.pid, server.root)
        now = (state.processes, state.control_fds, state.shm, state.files, state.zombies)
        same = same + 1 if now == last else 0
        last = now
    return watch.look(server.pid, server.root)


def rest(control: Control, clients: list) -> None:
    control.on.clear()
    for client in clients:
        client.resting.wait(60)


def drive(driver: Driver, seconds: float, period: float, verbose: bool) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        begun = time.monotonic()
        driver.next()
        if driver.server.process.poll() is not None:
            raise SystemExit(f"soak: the server has ended\n{driver.server.messages()[-3000:]}")
        if verbose:
            state = watch.look(driver.server.pid, driver.server.root)
            print(f"  {state.line()}", flush=True)
        time.sleep(max(0.0, min(period - (time.monotonic() - begun), deadline - time.monotonic())))


def soak(program: str, mpm: str, options) -> bool:
    server = Server(program, mpm, options.with_modules, options.keep)
    is_apache = b"Apache" in subprocess.run([server.program, "-v"], capture_output=True).stdout
    is_ours = "httpd-rs" in subprocess.run([server.program, "-v"], capture_output=True, text=True).stdout
    book, control = Book(), Control()
    clients = []
    try:
        server.start()
        driver = Driver(server, book, survives_bad_configuration=is_ours or not is_apache)
        for kind, count in ((Visitor, options.clients), (SlowReader, 2), (Staller, 4), (Aborter, 2)):
            clients += [kind(server, book, control, 1000 * len(clients) + number) for number in range(count)]
        for client in clients:
            client.start()
        total = options.minutes * 60
        warm = max(8.0, min(90.0, total * 0.15))
        control.on.set()
        drive(driver, warm, options.period, options.verbose)
        rest(control, clients)
        driver.second_port = False
        before = settle(driver)
        print(f"{mpm} before: {before.line()}", flush=True)
        control.on.set()
        drive(driver, total - warm, options.period, options.verbose)
        rest(control, clients)
        driver.second_port = False
        after = settle(driver)
        print(f"{mpm} after:  {after.line()}", flush=True)
        control.over.set()
        grown = watch.growth(before, after)
        status = server.stop()
        left = [str(path) for path in (server.root / "run").iterdir() if path.name != "httpd.pid"]
        lines = (server.root / "logs/access.log").read_text(errors="replace").splitlines()
        logged = book.compare_with_log(lines, driver.ended)
        piped = len((server.root / "logs/piped.log").read_text(errors="replace").splitlines())
    finally:
        control.over.set()
        if server.process.poll() is None:
            server.stop()
    faults = {name: book.counts[name] for name in FAULTS if book.counts[name]}
    faults.update({name: logged[name] for name in LOG_FAULTS if logged[name]})
    if status != 0:
        faults["exit status"] = status
    if sum(book.kinds.values()) < 100:
        faults["few requests"] = sum(book.kinds.values())
    answered = Counter(book.states)[1]
    print(f"{mpm}: {len(book.states)} requests, {answered} answered, {dict(driver.done)}")
    print(f"{mpm}: kinds {dict(book.kinds)}")
    print(f"{mpm}: {dict(book.counts)}; log: {dict(logged)}, piped log {piped} of {len(lines)} lines; left {left}")
    for text in book.complaints:
        print(f"{mpm}:   {text}")
    for text in grown:
        print(f"{mpm}: GREW {text}")
    for name, count in faults.items():
        print(f"{mpm}: FAULT {name}: {count}")
    good = not faults and not grown
    print(f"{mpm}: {'nothing lost, nothing grew' if good else 'FAILED'}", flush=True)
    if not good and server.keep:
        print(f"{mpm}: its files: {server.root}")
    server.remove()
    return good


def restarts(program: str, mpm: str, options) -> bool:
    """Many graceful restarts in a row, each seen to take effect, with a request in each generation."""
    server = Server(program, mpm, options.with_modules, options.keep)
    book = Book()
    driver = Driver(server, book, False)
    try:
        server.start()
        begun = time.monotonic()
        before = state = None
        for number in range(1, options.restarts + 1):
            driver.graceful()
            if "wsgi" in options.with_modules:
                ask = ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{server.port}/wsgi/daemon"]
                if code := subprocess.run(ask).returncode:
                    book.complain("wrong", f"restart {number}: curl's code {code}")
            if number == min(10, options.restarts - 1):
                before = settle(driver)
                print(f"{mpm} after {number} restarts: {before.line()}", flush=True)
            elif number % 100 == 0 and number < options.restarts:
                state = watch.look(server.pid, server.root)
                print(f"{mpm} after {number} restarts: {state.line()}", flush=True)
        seconds = time.monotonic() - begun
        after = settle(driver)
        print(f"{mpm} after {options.restarts} restarts: {after.line()} ({seconds:.0f} s)")
        grown = watch.growth(before, after)
        status = server.stop()
    finally:
        if server.process and server.process.poll() is None:
            server.stop()
    faults = {name: count for name, count in book.counts.items() if name in FAULTS}
    if status != 0:
        faults["exit status"] = status
    for text in book.complaints + grown + [f"{name}: {count}" for name, count in faults.items()]:
        print(f"{mpm}:   {text}")
    good = not faults and not grown
    print(f"{mpm}: {'nothing grew' if good else 'FAILED'}")
    server.remove()
    return good


def main() -> int:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--mpm", default="all", choices=["event", "worker", "prefork", "all"])
    parser.add_argument("--server", default=str(here.parent / "target/release/httpd-rs"), metavar="PATH")
    parser.add_argument("--clients", type=int, default=16, help="clients with mixed requests")
    parser.add_argument("--period", type=float, default=4.0, help="seconds from one event to the next")
    parser.add_argument("--restarts", type=int, help="no load: so many graceful restarts")
    parser.add_argument("--growth", type=int, metavar="N", help="memory of one child over N requests of each kind")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="only these (for --growth)")
    parser.add_argument("--with", dest="with_modules", default=[], type=lambda text: text.split(","),
                        metavar="NAMES", help="of wsgi, security2")
    parser.add_argument("--keep", action="store_true", help="keep the server's files")
    parser.add_argument("--verbose", action="store_true", help="figures after each event")
    options = parser.parse_args()
    if not shutil.which("apxs"):
        parser.error("apxs is missing: apt-get install apache2-dev")
    mpms = ["event", "worker", "prefork"] if options.mpm == "all" else [options.mpm]
    run = restarts if options.restarts else plateau.run if options.growth else soak
    results = [run(options.server, mpm, options) for mpm in mpms]
    return 0 if all(results) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
