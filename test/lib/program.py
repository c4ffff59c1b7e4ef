# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests start: they end with the test, and what they print is waited for."""

import json
import os
import signal
import subprocess
import threading
import time


class Program:
    """A process whose standard output is read line by line; waits are for lines, never for time."""

    def __init__(self, argv, env=None, cwd=None, log=None, user=None):
        self.argv = argv
        self.lines = []
        self.changed = threading.Condition()
        self.ended = False
        self.log_path = log
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **(env or {})}, cwd=cwd, user=user, group=user,
            extra_groups=None if user is None else [])
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode(errors="surrogateescape").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, what, seconds=30, description="the expected"):
        """Evaluates what() after every line (and at least every 50 ms, for what has no line)."""
        deadline = time.monotonic() + seconds
        while True:
            with self.changed:
                seen = len(self.lines)
            result = what()
            if result:
                return result
            with self.changed:
                if self.ended and len(self.lines) == seen:
                    raise AssertionError(f"{self.argv[0]} ended before {description}\n{self.tail()}")
                if time.monotonic() > deadline:
                    raise AssertionError(f"{description} did not come in {seconds} s\n{self.tail()}")
                if len(self.lines) == seen:
                    self.changed.wait(0.05)

    def tail(self, n=25):
        text = "\n".join(self.lines[-n:])
        if self.log_path:
            self.log.flush()
            with open(self.log_path, encoding="utf-8", errors="replace") as f:
                text += "\n--- stderr ---\n" + "".join(f.readlines()[-n:])
        return text

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Ends it and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.argv[0]} did not end\n{self.tail()}") from None
        finally:
            self.reader.join(5)
            self.process.stdout.close()
            if self.log_path:
                self.log.close()
        return code


class Sluice(Program):
    """`sluice run --log-format=json`: what it prints are records."""

    def __init__(self, *args, kubeconfig=None, log=None, program=None, user=None):
        program = program or os.environ.get("SLUICE_BIN", "build/controller/sluice")
        argv = [program, "run", "--log-format=json"]
        if kubeconfig:
            argv += ["--kubeconfig", kubeconfig]
        super().__init__(argv + list(args), log=log, user=user)

    def events(self, kind=None, since=0, **fields):
        found = []
        with self.changed:
            lines = list(self.lines)
        for line in lines[since:]:
            record = json.loads(line)
            if kind and record["event"] != kind:
                continue
            if all(record.get(k) == v for k, v in fields.items()):
                found.append(record)
        return found

    def mark(self):
        """A position in what was printed: the since= of later questions."""
        with self.changed:
            return len(self.lines)

    def wait_event(self, kind, seconds=30, since=0, **fields):
        return self.wait_for(lambda: self.events(kind, since, **fields), seconds,
                             f"event {kind} {fields or ''}")[0]
