"""What the checks share: the list of files, findings, and the allow-lists.

A check prints its findings, one a line, each beginning with the place ("kube/exec.c:12: ..."), and
exits with 1 when there is one. An allow-list has one entry a line, "ENTRY  # REASON"; an entry
without a reason is a finding, and so is one that nothing needs any more.
"""
import fnmatch
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECK = os.path.splitext(os.path.basename(sys.argv[0]))[0]


def files(*patterns):
    """The regular files of the project that match one of the patterns; '*' matches '/' too."""
    # A checkout may belong to somebody else than root, who runs this in CI.
    listed = subprocess.run(
        ['git', '-c', f'safe.directory={ROOT}', 'ls-files', '-z',
         '--cached', '--others', '--exclude-standard'],
        cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    names = sorted(set(os.fsdecode(listed).split('\0')) - {''})
    if not names:
        sys.exit('git lists no file here')
    return [n for n in names
            if any(fnmatch.fnmatchcase(n, p) for p in patterns)
            and os.path.isfile(n) and not os.path.islink(n)]


def text_of(name):
    """The file's text, or None where it is not text."""
    with open(name, 'rb') as f:
        data = f.read()
    if b'\0' in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def run(argv, **options):
    """Runs a program; its output, both streams, and its exit code."""
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace', check=False,
                          **options)
    return done.stdout, done.returncode


class Findings:
    """Collects findings; the allow-list of this check takes some of them away."""

    def __init__(self):
        self.found = []
        self.unused = {}    # entry of the allow-list: its line
        self.allow_name = f'hack/check.d/{CHECK}.allow'
        self.entries = []
        for number, entry in allow_entries(self):
            self.entries.append(entry)
            self.unused[entry] = number

    def allows(self, key):
        """Is there an entry for this? Entries are shell patterns."""
        matching = [e for e in self.entries if fnmatch.fnmatchcase(key, e)]
        for entry in matching:
            self.unused.pop(entry, None)
        return bool(matching)

    def add(self, place, what, key=None):
        """A finding, unless the allow-list has its key ("FILE" or "FILE WORD")."""
        if key is None or not self.allows(key):
            self.found.append(f'{place}: {what}')

    def end(self, entries_may_be_unused=False):
        """Prints what was found and ends the check."""
        if not entries_may_be_unused:
            for entry, number in self.unused.items():
                self.found.append(f'{self.allow_name}:{number}: nothing needs "{entry}" any more')
        for line in self.found:
            print(line)
        sys.exit(1 if self.found else 0)


def allow_entries(findings):
    """The entries of the allow-list with their line numbers."""
    if not os.path.exists(findings.allow_name):
        return
    with open(findings.allow_name, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            entry, _, reason = line.partition('#')
            entry = ' '.join(entry.split())
            if not entry:
                continue
            if not reason.strip():
                findings.found.append(f'{findings.allow_name}:{number}: no reason is given')
            yield number, entry


os.chdir(ROOT)
