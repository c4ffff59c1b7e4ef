# SPDX-License-Identifier: Apache-2.0
"""Figures: what is kept of them, the table, and whether the limit holds."""

import math
import os
import platform
import statistics
import time
from dataclasses import dataclass, field

LIMIT_MS = 15.0  # of a save, on top of a bare exec, at the median


@dataclass
class Series:
    """One line of the table: times in milliseconds, and the yardstick they are held against."""
    row: str
    what: str
    times: list = field(default_factory=list)
    beside: "Series" = None
    limited: bool = False  # the limit is for this one

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def over(self):
        return self.median - self.beside.median

    @property
    def ratio(self):
        return self.median / self.beside.median

    def percentile(self, percent):
        """The nearest rank: the smallest time that so many percent do not exceed."""
        return sorted(self.times)[math.ceil(percent * len(self.times) / 100) - 1]


def gate(measured):
    """None where nothing was measured that has a limit."""
    limited = [s for s in measured if s.limited]
    return all(s.over <= LIMIT_MS for s in limited) if limited else None


def _figures(series):
    figures = {"row": series.row, "what": series.what, "n": len(series.times),
               "median_ms": series.median, "p95_ms": series.percentile(95),
               "max_ms": max(series.times), "min_ms": min(series.times), "times_ms": series.times}
    if series.beside:
        figures.update(beside=series.beside.what, over_ms=series.over, ratio=series.ratio)
    return figures


def document(measured, holds, image):
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"kernel": platform.release(), "cpus": os.cpu_count(),
                    "load": os.getloadavg()[0]},
        "image": image, "limit_over_bare_exec_ms": LIMIT_MS, "limit_holds": holds,
        "rows": [_figures(s) for s in measured],
    }


def _line(series):
    text = (f"{series.row:<8} {series.what:<46} {len(series.times):>4} {series.median:>9.1f} "
            f"{series.percentile(95):>9.1f} {max(series.times):>9.1f}")
    if series.beside:
        text += f" {series.over:>+9.1f} {series.ratio:>6.2f}"
    return text


def show(measured, holds):
    print(f"{'row':<8} {'milliseconds':<46} {'n':>4} {'median':>9} {'95 %':>9} {'max':>9} "
          f"{'over':>9} {'ratio':>6}")
    for series in measured:
        print(_line(series))
    print("\nover, ratio: at the median, against the line above it that begins with 'bare'.\n"
          "Observed from the host, by inotify on the directory below /proc/PID/root: a file counts\n"
          "as visible when it was closed or renamed into place there with the new content.\n"
          f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs.")
    for series in measured:
        if series.limited:
            verdict = "holds" if series.over <= LIMIT_MS else "EXCEEDED"
            print(f"Limit, {series.what}: bare exec {series.beside.median:.1f} ms + {LIMIT_MS:.0f} "
                  f"ms = {series.beside.median + LIMIT_MS:.1f} ms; measured {series.median:.1f} ms: "
                  f"{verdict}")
