#!/usr/bin/python3
"""Includes obey the arrows of the architecture, name files from the root, and begin with the own header."""
import os
import re

import common

# Whose headers a folder may include, besides its own. test/ is free.
ARROWS = {
    'base': set(),
    'kube': {'base'},
    'liveupdate': {'base'},
    'deploy': {'kube', 'base'},
    'controller': {'deploy', 'kube', 'liveupdate', 'base'},
    'agent': set(),
}
# The one header that the two sides of the wire share.
WIRE = 'agent/wire.h'
WIRE_USERS = {'controller', 'liveupdate'}
# Libraries by the folder that may know them; kube, deploy and controller may know all of them.
LIBRARY = re.compile(r'(uv|curl/.*|libwebsockets|openssl/.*|yaml|cyaml/.*|jansson|xxhash|ut[a-z]+|cmocka)\.h$')
LIBRARIES = {
    'base': set(),
    'liveupdate': {'yaml.h', 'cyaml/cyaml.h', 'jansson.h', 'xxhash.h', 'uthash.h', 'utlist.h'},
    'agent': set(),
}

findings = common.Findings()


def check_own(name, number, header):
    """An include in quotes: one of our headers."""
    place, key = f'{name}:{number}', f'{name} {header}'
    folder, target = name.split('/')[0], header.split('/')[0]
    if '/' not in header or not os.path.isfile(header):
        findings.add(place, f'"{header}" is not the path of a header from the root', key)
    elif folder in ARROWS and target != folder and target not in ARROWS[folder] \
            and not (header == WIRE and folder in WIRE_USERS):
        allowed = ', '.join(sorted(ARROWS[folder])) or 'no other folder'
        findings.add(place, f'{folder} may include {allowed}, not "{header}"', key)


def check_library(name, number, header):
    """An include in angle brackets: the system's, or a library's."""
    folder = name.split('/')[0]
    if header == 'cmocka.h' and folder != 'test':
        findings.add(f'{name}:{number}', 'only tests know <cmocka.h>', f'{name} {header}')
    elif folder in LIBRARIES and LIBRARY.match(header) and header not in LIBRARIES[folder]:
        findings.add(f'{name}:{number}', f'{folder} may not know <{header}>', f'{name} {header}')


def check_file(name):
    first_own = None
    for number, line in enumerate(common.text_of(name).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        if match[1] == '<':
            check_library(name, number, match[2])
        else:
            first_own = first_own or (number, match[2])
            check_own(name, number, match[2])
    own = name[:-2] + '.h'
    if name.endswith('.c') and os.path.isfile(own) and not name.startswith('test/unit/') \
            and (first_own is None or first_own[1] != own):
        findings.add(f'{name}:{first_own[0] if first_own else 1}',
                     f'its own header "{own}" comes first', f'{name} {own}')


for file in common.files('*.c', '*.h'):
    check_file(file)
findings.end()
