# SPDX-License-Identifier: Apache-2.0
"""What is measured: each row starts a workload and sluice of its own and returns Series."""

import contextlib
import os
import subprocess
import time

import observe
from report import Series
from world import GNU_IMAGE, IMAGE, World

# Between two measurements: longer than the quiet after which a lone save goes out at once, and than
# what the runtime needs to clear a session away.
PAUSE_S = 0.15
WARM_UP = 3  # rounds that do not count: first connections, caches
BLOCK = 65536
LARGE_BLOCKS = 763  # 50 MB
SYNC = {"sync": {"localPath": "src", "containerPath": "/app"}}
# Ends at once on TERM and never by itself; shell built-ins do all of the rest.
IDLE = ["sh", "-c", "mkdir -p /app /seen; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]


class Timer:
    """A bare command in one container, run on request through Sluice's exec library."""

    def __init__(self, program, pod, command, stdin=None):
        meta = pod["metadata"]
        argv = [program] + (["-i", stdin] if stdin else [])
        argv += [meta["namespace"], meta["name"], "web", "--", *command]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self):
        """Milliseconds until the stream was open, and until the command's end was known."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the bare exec failed with exit code {self.process.wait(10)}")
        return [int(n) / 1000 for n in line.split()]

    def once(self):
        self.begin()
        return self.result()


def bare(program, pod):
    return Timer(program, pod, ["sh", "-c", "true"])


def write_in_place(path, content):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view):]
    os.close(fd)


def rename_into_place(path, content):
    """As editors do: completed under another name in the same directory."""
    other = path + ".new~"
    write_in_place(other, content)
    os.rename(other, path)


class Stage:
    """A workload, its containers' directories under watch, and sluice."""

    def __init__(self, bench, steps=(), replicas=1, directory="/app"):
        self.folder = os.path.join(bench.folder, str(time.monotonic_ns()))
        os.mkdir(self.folder)
        self.world = World(bench.cluster, self.folder)
        self.stack = contextlib.ExitStack()
        self.stack.callback(self.world.close)
        self.counter = 0
        try:
            self._build(bench, steps, replicas, directory)
        except BaseException:
            self.stack.close()
            raise

    def _build(self, bench, steps, replicas, directory):
        self.world.write("src/file", "before\n")
        self.pods = self.world.deployment(image=bench.image, command=IDLE, replicas=replicas)
        self.world.eventually(lambda: all(os.path.isdir(self.world.root(p) + "/seen")
                                          for p in self.pods), 10, "the directories of the pods")
        self.watches = [self.stack.enter_context(observe.Watch(self.world.root(p) + directory))
                        for p in self.pods]
        self.sluice = self.world.run_file([SYNC, *steps])
        self.sluice.wait_event("condition", ready=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def content(self, size=4096):
        """Never the same twice."""
        self.counter += 1
        return f"save {self.counter}\n".encode() + os.urandom(size).hex()[:size].encode()

    def save(self, how, name="file", content=None):
        """The time before it."""
        content = content if content is not None else self.content()
        path = self.world.path("src/" + name)
        began = time.perf_counter_ns()
        how(path, content)
        return began, content

    def settle(self, since):
        """Until every pod was updated since the mark, and then nothing more for a pause."""
        for pod in self.pods:
            self.sluice.wait_event("updated", since=since, pod=pod["metadata"]["name"])
        while True:
            mark = self.sluice.mark()
            time.sleep(PAUSE_S)
            if self.sluice.mark() == mark:
                return

    def save_and_see(self, how, name="file", content=None):
        """Milliseconds from before the save until each pod has it."""
        mark = self.sluice.mark()
        began, content = self.save(how, name, content)
        times = observe.arrivals(self.watches, {name: content})
        self.settle(mark)
        return [(t - began) / 1e6 for t in times]


class Bench:
    def __init__(self, cluster, timer, folder, options):
        self.cluster = cluster
        self.timer = timer
        self.folder = folder
        self.saves = options.saves
        self.rounds = options.rounds
        self.image = GNU_IMAGE if options.image == "gnu" else IMAGE

    def row(self, name):
        return getattr(self, name)()

    def _exec(self, timer, series):
        series.times.append(timer.once()[1])
        time.sleep(PAUSE_S)

    def latency(self):
        opened = Series("latency", "bare exec, until its stream is open")
        exec_ = Series("latency", "bare exec")
        saves = [(write_in_place, Series("latency", "save, written in place", [], exec_, True)),
                 (rename_into_place, Series("latency", "save, renamed into place", [], exec_, True))]
        with Stage(self) as stage, bare(self.timer, stage.pods[0]) as timer:
            for i in range(WARM_UP + self.saves):
                for how, series in saves:
                    series.times += stage.save_and_see(how)
                    until_open, until_end = timer.once()
                    opened.times.append(until_open)
                    exec_.times.append(until_end)
                    time.sleep(PAUSE_S)
                if i + 1 == WARM_UP:
                    for series in [opened, exec_] + [s for _, s in saves]:
                        series.times.clear()
        return [opened, exec_] + [series for _, series in saves]

    def run(self):
        """The run writes with built-ins of the shell alone, so nothing but its start is measured."""
        command = "read -r line < /app/file && echo \"$line\" > /seen/ran"
        exec_ = Series("run", "bare exec")
        run = Series("run", "save, until a run step has acted", [], exec_)
        with Stage(self, [{"run": {"command": command}}], directory="/seen") as stage, \
                bare(self.timer, stage.pods[0]) as timer:
            for i in range(WARM_UP + (self.rounds or 20)):
                mark = stage.sluice.mark()
                began, content = stage.save(write_in_place)
                line = content.split(b"\n")[0] + b"\n"
                run.times.append((observe.arrivals(stage.watches, {"ran": line})[0] - began) / 1e6)
                stage.settle(mark)
                self._exec(timer, exec_)
                if i + 1 == WARM_UP:
                    run.times.clear()
                    exec_.times.clear()
        return [exec_, run]

    def fanout(self):
        exec_ = Series("fanout", "bare exec in 3 pods at once, the slowest")
        last = Series("fanout", "save, until the last of 3 replicas has it", [], exec_)
        spread = Series("fanout", "from the first replica to the last")
        with Stage(self, replicas=3) as stage, contextlib.ExitStack() as stack:
            timers = [stack.enter_context(bare(self.timer, pod)) for pod in stage.pods]
            for i in range(WARM_UP + (self.rounds or 20)):
                times = stage.save_and_see(write_in_place)
                last.times.append(max(times))
                spread.times.append(max(times) - min(times))
                for timer in timers:
                    timer.begin()
                exec_.times.append(max(timer.result()[1] for timer in timers))
                time.sleep(PAUSE_S)
                if i + 1 == WARM_UP:
                    for series in (exec_, last, spread):
                        series.times.clear()
        return [exec_, last, spread]

    def burst(self):
        exec_ = Series("burst", "bare exec")
        burst = Series("burst", "500 new files of 1 KiB, all visible", [], exec_)
        with Stage(self) as stage, bare(self.timer, stage.pods[0]) as timer:
            stage.save_and_see(write_in_place)
            for i in range(self.rounds or 5):
                files = {f"{i}-{k}": os.urandom(1024) for k in range(500)}
                mark = stage.sluice.mark()
                began = time.perf_counter_ns()
                for name, content in files.items():
                    write_in_place(stage.world.path("src/" + name), content)
                burst.times.append((observe.arrivals(stage.watches, files)[0] - began) / 1e6)
                stage.settle(mark)
                mark = stage.sluice.mark()
                for name in files:
                    os.unlink(stage.world.path("src/" + name))
                stage.world.wait_equal()
                stage.settle(mark)
                self._exec(timer, exec_)
        return [exec_, burst]

    def large(self):
        source = os.path.join(self.folder, "large")
        # Not cat: v4 of the exec protocol cannot say that the input is at its end. And a shell stays
        # around dd: containerd ends a command's input as soon as its stdout has no writer any more.
        command = f"dd bs={BLOCK} count={LARGE_BLOCKS} iflag=fullblock of=/seen/large 2>/dev/null; :"
        copy = Series("large", "bare `dd of=file`, the same amount as its input")
        save = Series("large", "one file of 50 MB, written in place", [], copy)
        write_in_place(source, os.urandom(BLOCK * LARGE_BLOCKS))
        with Stage(self) as stage, Timer(self.timer, stage.pods[0], ["sh", "-c", command],
                                         source) as timer:
            stage.save_and_see(write_in_place)
            for _ in range(self.rounds or 5):
                save.times += stage.save_and_see(write_in_place, "large",
                                                 os.urandom(BLOCK * LARGE_BLOCKS))
                self._exec(timer, copy)
        os.unlink(source)
        return [copy, save]
