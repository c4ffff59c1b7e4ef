#!/usr/bin/python3
"""shellcheck finds nothing in any shell script, parts that they source included."""
import os
import re

import common

findings = common.Findings()
scripts, parts, sourced = [], [], set()
for name in common.files('*'):
    text = common.text_of(name) or ''
    if re.match(r'#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b', text):
        scripts.append(name)
        sourced.update(re.findall(r'# shellcheck .*\bsource=(\S+)', text))
        if not os.access(name, os.X_OK):
            findings.add(name, 'begins with #! and cannot be executed', name)
    elif name.endswith('.sh'):
        parts.append(name)
# A part means something only together with the script that reads it, and is checked as part of it.
for name in parts:
    if not any(name.endswith('/' + s) for s in sourced):
        findings.add(name, 'no script reads it with a "# shellcheck source=" line', name)
output, code = common.run(['shellcheck', '-x', '-a', '-f', 'gcc', *scripts]) if scripts else ('', 0)
for line in dict.fromkeys(output.splitlines()):
    place, _, what = line.partition(': ')
    findings.add(place, what)
if code != 0 and not output:
    findings.add('shellcheck', f'exit code {code}')
findings.end()
