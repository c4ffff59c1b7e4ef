#!/usr/bin/python3
"""Every header compiles alone, and twice, with the warnings of the build and the banned functions."""
import concurrent.futures
import os
import subprocess

import common

LIBRARIES = ['libuv', 'libcurl', 'libwebsockets', 'openssl', 'yaml-0.1', 'libcyaml', 'jansson',
             'libxxhash', 'cmocka']
FLAGS = ['-std=gnu17', '-D_GNU_SOURCE', '-DSLUICE_VERSION="0"', '-I.', '-include', 'base/banned.h',
         '-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wstrict-prototypes', '-Wmissing-prototypes',
         '-Wundef', '-Wno-unused-parameter', '-Wno-missing-field-initializers']

findings = common.Findings()
cflags, failed = common.run(['pkg-config', '--cflags', *LIBRARIES])
if failed:
    findings.add('pkg-config', cflags.strip())
    findings.end()


def compile_alone(name):
    """What the compiler says about a file that includes nothing but this header."""
    return subprocess.run(
        ['cc', *FLAGS, *cflags.split(), '-fsyntax-only', '-x', 'c', '-'], cwd=common.ROOT,
        input=f'#include "{name}"\n#include "{name}"\n', stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)


names = common.files('*.h')
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for header, done in zip(names, pool.map(compile_alone, names)):
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if 'error:' in line]
            findings.add(header, (errors or [done.stdout.strip()])[0], header)
findings.end()
