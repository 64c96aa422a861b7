"""What became of each request, by number, and whether the access log says the same."""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

# What a request may have come to, on the client's side.
SENT, ANSWERED, EXCUSED, RACED, LOST, ABANDONED = range(6)


@dataclass
class Blow:
    """Something that takes requests down with it: a crash, or a restart at once."""

    what: str
    # None: all there are, also those that start while it is under way.
    children: set[int] | None
    begun: float
    ended: float | None = None
    # Children that it was an excuse for.
    used: set[int] = field(default_factory=set)

    def covers(self, child: int | None, since: float, until: float) -> bool:
        over = self.ended is not None and self.ended < since
        return not over and self.begun <= until and (
            child is None or self.children is None or child in self.children)


@dataclass
class Book:
    states: bytearray = field(default_factory=bytearray)
    statuses: array = field(default_factory=lambda: array("H"))
    children: array = field(default_factory=lambda: array("I"))
    kinds: Counter = field(default_factory=Counter)
    counts: Counter = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, kind: str) -> int:
        with self.lock:
            self.kinds[kind] += 1
            self.states.append(SENT)
            self.statuses.append(0)
            self.children.append(0)
            return len(self.states) - 1

    def answered(self, number: int, status: int, child: int | None) -> None:
        self.states[number] = ANSWERED
        self.children[number] = child or 0
        self.statuses[number] = status

    def mark(self, number: int, state: int) -> None:
        self.states[number] = state

    def complain(self, what: str, text: str) -> None:
        with self.lock:
            self.counts[what] += 1
            if self.counts[what] <= 20:
                self.complaints.append(f"{time.strftime('%T')} {what}: {text}")

    def blow(self, what: str, children: set[int] | None) -> Blow:
        blow = Blow(what, children, time.monotonic())
        with self.lock:
            self.blows.append(blow)
        return blow

    def excuses(self, child: int | None, since: float) -> bool:
        """Whether a connection to this child that broke now was taken down on purpose."""
        # The driver may be about to note what the client has already seen.
        time.sleep(0.1)
        now = time.monotonic()
        with self.lock:
            for blow in self.blows[-50:]:
                if blow.covers(child, since, now):
                    blow.used.add(child or 0)
                    return True
            return False

    def compare_with_log(self, lines, ended: set[int]) -> Counter:
        """Each answered request has one line with its status. Lines: number, status, child."""
        seen = bytearray(len(self.states))
        found = Counter()
        for line in lines:
            words = line.split()
            if len(words) != 3:
                found["odd lines"] += 1
                self.complain("odd lines", repr(line[:200]))
                continue
            if words[0] == "-":
                continue
            number, status = int(words[0]), int(words[1])
            seen[number] = min(seen[number] + 1, 2)
            state = self.states[number]
            if state == ANSWERED and status != self.statuses[number]:
                found["lines with another status"] += 1
                self.complain("lines with another status", f"{number}: {status} {self.statuses[number]}")
            if state == RACED:
                found["lines of requests that were raced"] += 1
                self.complain("lines of requests that were raced", line.strip())
        for number, state in enumerate(self.states):
            if state == ANSWERED and seen[number] == 0:
                if self.children[number] in ended:
                    # It has sent the answer and died before the line.
                    found["answered by a child that was ended, not logged"] += 1
                    continue
                found["answered, not logged"] += 1
                if found["answered, not logged"] <= 10:
                    self.complain("answered, not logged", f"{number} child {self.children[number]}")
            if seen[number] > 1:
                found["logged twice"] += 1
                self.complain("logged twice", str(number))
        found["lines"] = sum(1 for count in seen if count)
        return found
