#!/usr/bin/python3
"""No tab indents, no trailing blank, no leftover note, no sleeping test, no path of one machine; C has its licence line."""
import re

import common

SPDX = '/* SPDX-License-Identifier: Apache-2.0 */'

# (key for the allow-list, what is wrong, pattern, which files)
ANY = re.compile('')
C_OR_SCRIPT = re.compile(r'\.(c|h|py|sh)$|^hack/[a-z-]+$|^\.ci/')
TESTS = re.compile(r'^test/')
RULES = [
    ('tab', 'a tab indents', re.compile(r'^ *\t'), ANY),
    ('blank', 'a blank ends the line', re.compile(r'[ \t\r]$'), ANY),
    ('note', 'a note that should be an issue or done',
     re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX)\b'), ANY),
    ('machine', 'a path that exists on one machine only',
     re.compile(r'(?<![\w.$}])/(work|builds|Users)/'), ANY),
    ('sleep', 'a test waits for an event, it never sleeps',
     re.compile(r'\b(u|nano|clock_nano|uv_)?sleep\s*\(|\btime import .*\bsleep\b'
                r'|\bp?poll\s*\(\s*NULL|\bselect\s*\(\s*0\s*,'), TESTS),
    ('skip', 'a test that is switched off',
     re.compile(r'@pytest\.mark\.(skip|xfail)\b'), TESTS),
    ('unban', 'a way around base/banned.h', re.compile(r'#\s*pragma GCC system_header'), C_OR_SCRIPT),
]

findings = common.Findings()


def check_lines(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        for key, what, pattern, which in RULES:
            if which.search(name) and pattern.search(line):
                findings.add(f'{name}:{number}', what, f'{name} {key}')


for file in common.files('*'):
    content = common.text_of(file)
    if not content:
        continue
    check_lines(file, content)
    if not content.endswith('\n'):
        findings.add(file, 'no newline at its end', f'{file} newline')
    if file.endswith(('.c', '.h')) and not content.startswith(SPDX + '\n'):
        findings.add(f'{file}:1', f'does not begin with {SPDX}', f'{file} licence')
with open('meson.build', encoding='utf-8') as build:
    if not re.search(r"'-include',.*base/banned\.h", build.read()):
        findings.add('meson.build', 'the build does not force base/banned.h')
findings.end()
