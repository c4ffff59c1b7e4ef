#!/usr/bin/python3
"""codespell knows every word, in comments, messages and documents."""
import re

import common

findings = common.Findings()
names = [n for n in common.files('*') if common.text_of(n) is not None and n != findings.allow_name]
output, code = common.run(['codespell', *names])
for line in output.splitlines():
    match = re.match(r'((.+?):\d+): (\S+) ==> (.*)', line)
    if match:
        findings.add(match[1], f'"{match[3]}": {match[4]}?', f'{match[2]} {match[3]}')
    else:
        findings.add('codespell', line)
if code != 0 and not output:
    findings.add('codespell', f'exit code {code}')
findings.end()
