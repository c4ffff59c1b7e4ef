#!/usr/bin/python3
"""Every Python file compiles, and pyflakes finds nothing in it."""
import re

import common

findings = common.Findings()
names = [n for n in common.files('*')
         if n.endswith('.py') or re.match(r'#!.*\bpython3?\b', common.text_of(n) or '')]
output, code = common.run(['/usr/bin/python3', '-m', 'pyflakes', *names])
for line in output.splitlines():
    match = re.match(r'((\S+?):\d+):\d+:? (.*)', line)
    if match:
        findings.add(match[1], match[3], match[2])
    else:
        findings.add('pyflakes', line)
if code != 0 and not output:
    findings.add('pyflakes', f'exit code {code}')
findings.end()
