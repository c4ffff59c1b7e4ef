# SPDX-License-Identifier: Apache-2.0
"""When a container sees new content, without asking the container.

The host reaches its files below /proc/PID/root, and the kernel tells (inotify) when one there was
closed after writing or renamed into place. So observing costs the container nothing, and us a wake
per file. What counts is the time of that event, provided the content is right; a writer's bytes can
be read some microseconds earlier, never later.
"""

import ctypes
import os
import select
import struct
import time

IN_CLOSE_WRITE, IN_MOVED_TO, IN_Q_OVERFLOW = 0x8, 0x80, 0x4000
EVENT = struct.Struct("iIII")
libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Watch:
    """One directory."""

    def __init__(self, folder):
        self.folder = folder
        self.fd = _check(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        try:
            _check(libc.inotify_add_watch(self.fd, os.fsencode(folder),
                                          IN_CLOSE_WRITE | IN_MOVED_TO))
        except OSError:
            os.close(self.fd)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def names(self):
        """What was completed since the last question."""
        found = []
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return found
        at = 0
        while at < len(data):
            _, mask, _, length = EVENT.unpack_from(data, at)
            if mask & IN_Q_OVERFLOW:
                raise RuntimeError("inotify lost events: the figures would be wrong")
            at += EVENT.size
            found.append(os.fsdecode(data[at:at + length].rstrip(b"\0")))
            at += length
        return found

    def holds(self, name, content):
        try:
            with open(os.path.join(self.folder, name), "rb") as f:
                return f.read() == content
        except FileNotFoundError:
            return False


def arrivals(watches, wanted, seconds=60):
    """Waits until each directory has all of wanted ({name: content}). For each watch the time
    (perf_counter_ns) at which the last of them was there."""
    seen = [{} for _ in watches]
    pending = set(range(len(watches)))
    poll = select.poll()
    for watch in watches:
        poll.register(watch.fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    while pending:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not visible in {watches[min(pending)].folder} after {seconds} s")
        poll.poll(1000)
        now = time.perf_counter_ns()
        for i in range(len(watches)):
            for name in watches[i].names():
                if name in wanted:
                    seen[i][name] = now
            if i in pending and len(seen[i]) == len(wanted):
                # Whatever was completed with other content will be completed again.
                seen[i] = {n: at for n, at in seen[i].items() if watches[i].holds(n, wanted[n])}
                if len(seen[i]) == len(wanted):
                    pending.discard(i)
    return [max(times.values()) for times in seen]
