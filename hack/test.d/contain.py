#!/usr/bin/python3
"""Runs a command, for a limited time, and lets nothing that comes from it live on.

    contain.py SECONDS LEFT COMMAND...

Orphans come to this process, not to init (PR_SET_CHILD_SUBREAPER, prctl(2)), whatever they did with
their environment, session or process group. When the command has ended, what is still alive after a
grace time is written to the file LEFT, one process a line, and killed.

When time is over the command gets INT, so that pytest ends its fixtures and writes its report, and
KILL after a while. The exit code is the command's, 124 when time was over, 128 + N when it was
ended by signal N or this process by TERM, INT or HUP.
"""
import ctypes
import os
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
SECONDS_TO_END = 30        # after INT
SECONDS_OF_GRACE = 3       # for what is ending anyway when the command has ended


class Interrupted(Exception):
    pass


def on_signal(number, _frame):
    raise Interrupted(number)


def processes():
    """The parent of every process."""
    parents = {}
    for entry in os.listdir('/proc'):
        try:
            with open(f'/proc/{entry}/stat', 'rb') as f:
                # The name may hold blanks and parentheses.
                parents[int(entry)] = int(f.read().rsplit(b')', 1)[1].split()[1])
        except (ValueError, OSError):
            pass
    return parents


def descendants():
    parents = processes()
    found, new = set(), {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def name_of(pid):
    try:
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            return f.read().replace(b'\0', b' ').decode(errors='replace').strip()[:200]
    except OSError:
        return ''


def wait_until(deadline, wanted=None):
    """Reaps until the wanted child has ended, or none is left, or time is over; the child's status."""
    while time.monotonic() < deadline:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            time.sleep(0.02)
        elif pid == wanted:
            return status
    return None


def run(seconds, argv):
    """The exit code of the command."""
    child = os.posix_spawnp(argv[0], argv, os.environ, setpgroup=0,
                            setsigdef=[signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE])
    try:
        status = wait_until(time.monotonic() + seconds, child)
        if status is None:
            print(f'ended after {seconds} s: its time was over', flush=True)
            os.killpg(child, signal.SIGINT)
            wait_until(time.monotonic() + SECONDS_TO_END, child)
            return 124
    except Interrupted as e:
        os.killpg(child, signal.SIGTERM)
        return 128 + e.args[0]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def end_descendants(left_file):
    wait_until(time.monotonic() + SECONDS_OF_GRACE)
    left = {pid: name_of(pid) for pid in descendants()}
    with open(left_file, 'a', encoding='utf-8') as f:
        for pid, name in sorted(left.items()):
            if name:
                f.write(f'process {pid}: {name}\n')
    # Again until none is left: a process may fork between the listing and the signal.
    for _ in range(100):
        pids = descendants()
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(time.monotonic() + 0.1)


def main():
    seconds, left_file, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit('prctl: ' + os.strerror(ctypes.get_errno()))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    code = run(seconds, argv)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_descendants(left_file)
    sys.exit(code)


main()
