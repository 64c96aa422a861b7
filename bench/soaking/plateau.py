"""Many requests of one kind after the other to one child: does its memory reach a plateau?"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from .site import MPM, Server
from .watch import memory

ONE_CHILD = {
    "event": "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\n",
    "worker": "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\n",
    "prefork": "StartServers 1\nServerLimit 1\nMaxRequestWorkers 1\n",
}
CLOSE = ["-H", "Connection: close"]

# Kind: path ("tls" before it: by TLS), arguments of wrk, a script for wrk, and how much dearer it is.
KINDS = {
    "small": ("/small.txt", [], "", 1),
    "close": ("/small.txt", CLOSE, "", 1),
    "authorized": ("/auth/secret.txt", ["-H", "Authorization: Basic YW5uOnJpZ2h0"], "", 1),
    "missing": ("/none", [], "", 1),
    "count": ("/count/20000", [], "", 1),
    "deflated": ("/deflated/text.txt", ["-H", "Accept-Encoding: gzip"], "", 1),
    "echo": ("/echo", [], 'wrk.method = "POST" wrk.body = string.rep("x", 20000)', 1),
    "chunked echo": ("/echo", [], 'request = function() return "POST /echo HTTP/1.1\\r\\nHost: a\\r\\n'
                     'Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n\\r\\n" end', 1),
    "pipelined": ("/small.txt", [], 'local all = string.rep("GET /small.txt HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", 8)\n'
                  "request = function() return all end", 1),
    "old": ("/small.txt", [], 'request = function() return "GET /small.txt HTTP/1.0\\r\\n'
            'Connection: keep-alive\\r\\n\\r\\n" end', 1),
    "bad": ("/small.txt", [], 'request = function() return "GET / HTTP/1.1\\r\\nHost: a\\r\\n'
            'Content-Length: x\\r\\n\\r\\n" end', 4),
    "ranges": ("/middle.bin", ["-H", "Range: bytes=0-10,20-30,40-100"], "", 1),
    "program": ("/cgi/hello", [], "", 100),
    "large": ("/large.bin", [], "", 40),
    "tls": ("tls/small.txt", [], "", 1),
    "tls close": ("tls/small.txt", CLOSE, "", 20),
}
STEPS = 6
ROUNDS = 4
# What a child may still grow by over all requests of a round: caches fill slower and slower. A leak goes on
# in every round.
SLACK_KIB = 512


def run(program: str, mpm: str, options) -> bool:
    settings = MPM[mpm]
    MPM[mpm] = ONE_CHILD[mpm]
    server = Server(program, mpm, options.with_modules, options.keep)
    MPM[mpm] = settings
    good = True
    try:
        server.start()
        for kind in options.kinds or KINDS:
            good &= one_kind(server, mpm, kind, options.growth)
    finally:
        server.stop()
    server.remove()
    return good


def child_of(server: Server) -> int:
    answer = subprocess.run(
        ["curl", "-si", "--retry", "5", f"http://127.0.0.1:{server.port}/small.txt"], capture_output=True, text=True)
    return int(re.search(r"X-Child: (\d+)", answer.stdout)[1])


def one_kind(server: Server, mpm: str, kind: str, wanted: int) -> bool:
    path, arguments, script, price = KINDS[kind]
    url = f"http://127.0.0.1:{server.port}{path}"
    if path.startswith("tls"):
        url = f"https://127.0.0.1:{server.tls_port}{path[3:]}"
    if script:
        file = Path(server.root / "conf/wrk.lua")
        file.write_text(script)
        arguments = [*arguments, "-s", str(file)]
    child = child_of(server)
    connections = "1" if mpm == "prefork" else "8"
    wrk = ["wrk", "-t1", f"-c{connections}", "-d2s", *arguments, url]
    for number in range(1, ROUNDS + 1):
        total, seen = 0, [(0, memory(child)["Anonymous"])]
        begun = time.monotonic()
        while total < wanted // price and time.monotonic() - begun < 600:
            out = subprocess.run(wrk, capture_output=True, text=True)
            done = re.search(r"(\d+) requests in", out.stdout)
            if not done:
                print(f"{mpm} {kind}: {out.stdout}{out.stderr}")
                return False
            total += int(done[1])
            seen.append((total, memory(child)["Anonymous"]))
        growth = seen[-1][1] - seen[0][1]
        same = child == child_of(server)
        good = same and growth <= SLACK_KIB
        step = max(1, len(seen) // STEPS)
        curve = " ".join(f"{count}:{kib}" for count, kib in [*seen[:-1:step], seen[-1]])
        fds = len(os.listdir(f"/proc/{child}/fd")) if same else 0
        print(f"{mpm} {kind}, round {number}: {total} requests, {growth:+} KiB, {fds} descriptors"
              f"{'' if same else ', ANOTHER CHILD'}  ({curve})", flush=True)
        if good or not same:
            break
    if not good:
        print(f"{mpm} {kind}: GREW", flush=True)
    return good
