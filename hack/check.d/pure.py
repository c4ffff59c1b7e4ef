#!/usr/bin/python3
"""liveupdate/ asks nothing of the outside: no file, socket, clock, environment or log, by the symbols it needs."""
import os
import re

import common

BUILD = 'build-check'
ARCHIVE = 'liveupdate/libliveupdate.a'
BASE = 'base/libbase.a'

findings = common.Findings()


def must(argv):
    """Runs a program that has to succeed for the check to mean anything."""
    output, code = common.run(argv)
    if code != 0:
        findings.add(' '.join(argv[:2]), 'failed\n' + '\n'.join(output.splitlines()[-12:]))
        findings.end(entries_may_be_unused=True)
    return output


def symbols(archive, *options):
    """Yields (object file, symbol)."""
    listing = must(['nm', '-A', '-P', *options, os.path.join(BUILD, archive)])
    for line in listing.splitlines():
        match = re.match(r'.*[\[/]([^/]+)\.o\]: (\S+) ([A-Za-z])', line)
        if match:
            yield match[1], match[2]


def is_allowed(symbol):
    """An entry that begins with '!' forbids what another one allows."""
    forbidden = [e for e in findings.entries if e.startswith('!')]
    return findings.allows(symbol) and not any(
        common.fnmatch.fnmatchcase(symbol, e[1:]) for e in forbidden)


# Unoptimised, so that the compiler neither hides a call nor invents one.
if not os.path.exists(f'{BUILD}/build.ninja'):
    must(['meson', 'setup', BUILD, '--buildtype=debug', '-Doptimization=0'])
must(['ninja', '-C', BUILD, BASE, ARCHIVE])
defined = {symbol for _, symbol in symbols(ARCHIVE, '--defined-only')}
of_base = {symbol: file for file, symbol in symbols(BASE, '--defined-only')}
if not defined or not of_base:
    findings.add(ARCHIVE, 'nm shows no symbol')
for user, name in symbols(ARCHIVE, '--undefined-only'):
    known = f'base/{of_base[name]}:{name}' if name in of_base else name
    if name not in defined and not is_allowed(known):
        findings.add(f'liveupdate/{user}', f'needs {known}')
findings.end(entries_may_be_unused=True)
