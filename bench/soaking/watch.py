"""What a server holds: processes, memory, descriptors, shared memory, semaphores, files."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


def stat_of(pid: str) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return [name, *rest.split()]


def family(root: int) -> dict[int, list[str]]:
    """The processes that come from `root`, or are of its session: pid to fields of its stat."""
    stats = {int(pid): stat for pid in os.listdir("/proc") if pid.isdigit() and (stat := stat_of(pid))}
    found = {pid: stat for pid, stat in stats.items() if pid == root or int(stat[4]) == root}
    while True:
        more = {pid: stat for pid, stat in stats.items() if int(stat[2]) in found and pid not in found}
        if not more:
            return found
        found.update(more)


def memory(pid: int) -> dict[str, int]:
    """KiB by name: Rss, Pss, Anonymous."""
    values = Counter()
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            values[name] += int(rest.split()[0])
    except (OSError, ValueError):
        pass
    return values


def descriptors(pid: int) -> Counter:
    """Open descriptors by what they are, without numbers."""
    found = Counter()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            found[re.sub(r"\d+", "N", target)] += 1
    except OSError:
        pass
    return found


def claim_user() -> str:
    """A user of the system whom no other soak has: semaphores are counted by their owner."""
    for name in ("irc", "list", "backup", "mail", "man", "lp"):
        try:
            pwd.getpwnam(name)
            lock = open(f"/run/lock/httpd-soak-{name}", "w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (KeyError, BlockingIOError):
            continue
        # Held until this process ends.
        CLAIMED.append(lock)
        return name
    raise SystemExit("soak: too many soaks at a time")


CLAIMED: list = []
USER = claim_user()


def sysv(kind: str, pids: set[int]) -> int:
    """System V segments that these processes have made, or semaphores of the server's user."""
    lines = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()
    names = lines[0].split()
    owner = pwd.getpwnam(USER).pw_uid
    count = 0
    for line in lines[1:]:
        row = dict(zip(names, line.split()))
        if kind == "sem":
            count += int(row["uid"]) == owner
        else:
            count += int(row["cpid"]) in pids
    return count


@dataclass
class State:
    """At one moment."""

    processes: int = 0
    children: int = 0
    zombies: int = 0
    control_rss: int = 0
    control_anonymous: int = 0
    control_pss: int = 0
    all_pss: int = 0
    all_anonymous: int = 0
    control_fds: int = 0
    most_fds: int = 0
    environment: int = 0
    shm: int = 0
    semaphores: int = 0
    posix_shm: int = 0
    files: int = 0
    names: list[str] = field(default_factory=list)
    fd_names: Counter = field(default_factory=Counter)

    def line(self) -> str:
        return (
            f"processes {self.processes} (children {self.children}, zombies {self.zombies})  "
            f"control: RSS {self.control_rss} KiB, anonymous {self.control_anonymous}, PSS {self.control_pss}, "
            f"fds {self.control_fds}, environment {self.environment} B  all: PSS {self.all_pss} KiB, "
            f"anonymous {self.all_anonymous}, "
            f"most fds {self.most_fds}  shm {self.shm}, semaphores {self.semaphores}, "
            f"/dev/shm {self.posix_shm}, files {self.files}"
        )


def look(pid: int, root: Path) -> State:
    everyone = family(pid)
    state = State(processes=len(everyone))
    state.children = sum(1 for stat in everyone.values() if int(stat[2]) == pid)
    state.zombies = sum(1 for stat in everyone.values() if stat[1] == "Z")
    own = memory(pid)
    state.control_rss, state.control_pss = own["Rss"], own["Pss"]
    state.control_anonymous = own["Anonymous"]
    each = [memory(one) for one in everyone]
    state.all_pss = sum(one["Pss"] for one in each)
    state.all_anonymous = sum(one["Anonymous"] for one in each)
    state.fd_names = descriptors(pid)
    state.control_fds = sum(state.fd_names.values())
    state.most_fds = max(sum(descriptors(one).values()) for one in everyone)
    state.environment = len(Path(f"/proc/{pid}/environ").read_bytes())
    state.shm = sysv("shm", set(everyone))
    state.semaphores = sysv("sem", set())
    state.posix_shm = len(os.listdir("/dev/shm"))
    names = [re.sub(r"\d+", "N", str(path.relative_to(root))) for part in ("run", ".") for path in (root / part).iterdir()]
    state.names = sorted(names)
    state.files = len(names)
    return state


def growth(before: State, after: State, slack_kib: int = 512) -> list[str]:
    """What there is more of, in words."""
    found = []
    for name in ("control_fds", "most_fds", "environment", "shm", "semaphores", "files", "processes"):
        was, now = getattr(before, name), getattr(after, name)
        # The environment names the children of before.
        # Spare children are one more or less.
        slack = {"environment": 200, "processes": 2}.get(name, 0)
        if now > was + slack:
            found.append(f"{name}: {was} -> {now}")
    # /dev/shm is of the whole machine: a few more may be somebody else's.
    if after.posix_shm > before.posix_shm + 4:
        found.append(f"/dev/shm (of the machine): {before.posix_shm} -> {after.posix_shm}")
    if after.zombies:
        found.append(f"zombies: {after.zombies}")
    for name in ("control_rss", "control_anonymous"):
        was, now = getattr(before, name), getattr(after, name)
        if now > was * 1.05 + slack_kib:
            found.append(f"{name}: {was} -> {now} KiB")
    # Not PSS: it grows when another server with the same binary ends.
    if after.all_anonymous > before.all_anonymous * 1.15 + 8 * slack_kib:
        found.append(f"all_anonymous: {before.all_anonymous} -> {after.all_anonymous} KiB")
    if more := set(after.names) - set(before.names):
        found.append(f"new files: {sorted(more)[:10]}")
    if found:
        more = after.fd_names - before.fd_names
        if more:
            found.append(f"more descriptors in the control process: {dict(more)}")
    return found
