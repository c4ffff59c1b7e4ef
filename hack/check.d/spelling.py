#!/usr/bin/python3
"""codespell knows every word, in comments, messages and documents."""
import common

findings = common.Findings()
words = [e for e in findings.entries if '/' not in e and '.' not in e]
names = [n for n in common.files('*') if not findings.allows(n) and common.text_of(n) is not None]
output, code = common.run(['codespell', '--ignore-words-list', ','.join(['', *words]), *names])
for line in output.splitlines():
    findings.add(*line.split(': ', 1))
if code != 0 and not output:
    findings.add('codespell', f'exit code {code}')
for word in words:
    if common.run(['grep', '-qiw', '--', word, *names])[1] == 0:
        findings.unused.pop(word)
findings.end()
