#!/usr/bin/python3
"""clang-format would change nothing in any C file."""
import re

import common

findings = common.Findings()
names = [n for n in common.files('*.c', '*.h') if not findings.allows(n)]
output, code = common.run(['clang-format', '--dry-run', '--Werror', *names])
places = {}
for line in output.splitlines():
    match = re.match(r'(.+?):(\d+):\d+: error: code should be clang-formatted', line)
    if match:
        places.setdefault(match[1], []).append(int(match[2]))
for name, lines in places.items():
    findings.add(f'{name}:{lines[0]}', f'{len(lines)} places: clang-format -i {name}')
if code != 0 and not places:
    findings.add('clang-format', output.strip())
findings.end()
