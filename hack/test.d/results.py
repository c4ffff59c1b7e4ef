#!/usr/bin/python3
"""Counts the results of a suite: prints "PASSED FAILED SKIPPED", then what is worth reading about failures.

    results.py RC meson TESTLOG.json      what `meson test` wrote; RC is the exit code of the suite
    results.py RC pytest JUNIT.xml LOG    what pytest wrote

A suite whose report is missing, or that failed although each of its tests passed, has failed.
"""
import json
import re
import sys
import xml.etree.ElementTree

SHOWN_LINES = 60    # of one failure
SHOWN_TESTS = 20    # that were skipped


class Counts:
    def __init__(self, rc):
        self.rc = rc
        self.passed = self.failed = self.skipped = 0
        self.details = []

    def fail(self, what, output=''):
        self.failed += 1
        lines = output.strip().splitlines()
        if len(lines) > SHOWN_LINES:
            lines = lines[:10] + [f'... {len(lines) - SHOWN_LINES} lines ...'] \
                + lines[10 - SHOWN_LINES:]
        self.details += [f'FAILED {what}'] + ['    ' + line for line in lines]

    def skip(self, what, why):
        self.skipped += 1
        if self.skipped <= SHOWN_TESTS:
            self.details.append(f'skipped {what}: {why}')
        elif self.skipped == SHOWN_TESTS + 1:
            self.details.append('skipped: more than is shown here')


def count_program(counts, test):
    """One program that meson ran. cmocka's TAP says what it tested; any other program is one test."""
    output = test.get('stdout', '') + '\n' + test.get('stderr', '')
    name = test['name'].split(' / ')[-1]
    lines = re.findall(r'^(ok|not ok) \d+ - (\S+)(.*)$', test.get('stdout', ''), re.M)
    if test['result'] in ('SKIP', 'EXPECTEDFAIL'):
        counts.skip(name, 'its program asked for it')
        return
    failed = [case for verdict, case, _ in lines if verdict == 'not ok']
    for verdict, case, rest in lines:
        if re.search('# *SKIP', rest, re.I):
            counts.skip(f'{name}: {case}', 'the test asked for it')
        elif verdict == 'ok':
            counts.passed += 1
    for number, case in enumerate(failed):
        counts.fail(f'{name}: {case}', output if number == 0 else '')
    if test['result'] != 'OK' and not failed:
        counts.fail(f'{name}: {test["result"].lower()}, exit code {test.get("returncode")}', output)
    elif not lines and test['result'] == 'OK':
        counts.passed += 1


def count_meson(counts, report):
    with open(report, encoding='utf-8') as f:
        for line in f:
            count_program(counts, json.loads(line))


def count_pytest(counts, report, log):
    # 0 and 1: it came to the end. An interrupted test stands in the report as if it had passed.
    try:
        cases = xml.etree.ElementTree.parse(report).iter('testcase')
    except (OSError, xml.etree.ElementTree.ParseError):
        cases = None
    if counts.rc not in (0, 1, 5) or cases is None:
        count_pytest_log(counts, log)
        return
    broken = set()
    for case in cases:
        name = f'{case.get("classname")}.{case.get("name")}'
        faults = case.findall('failure') + case.findall('error')
        if faults:
            # A test that failed and whose fixture then failed too stands there twice.
            if name not in broken:
                counts.fail(name, faults[0].text or faults[0].get('message', ''))
            broken.add(name)
        elif case.find('skipped') is not None:
            counts.skip(name, case.find('skipped').get('message', ''))
        else:
            counts.passed += 1


def count_pytest_log(counts, log):
    """Without a report pytest did not end by itself: what it said until then counts."""
    with open(log, encoding='utf-8', errors='replace') as f:
        text = f.read()
    counts.passed += len(re.findall(r'^\S+::.* PASSED\b', text, re.M))
    counts.skipped += len(re.findall(r'^\S+::.* SKIPPED\b', text, re.M))
    for name in re.findall(r'^(\S+::\S+) .*\b(?:FAILED|ERROR)\b', text, re.M):
        counts.fail(name)
    counts.fail(f'pytest did not end by itself (exit code {counts.rc})', text)


def main():
    rc, kind, *reports = sys.argv[1:]
    counts = Counts(int(rc))
    try:
        {'meson': count_meson, 'pytest': count_pytest}[kind](counts, *reports)
    except (OSError, ValueError, KeyError) as e:
        counts.fail(f'there is no report: {e}')
    if rc == '124' and counts.failed == 0:
        counts.fail('its time was over')
    elif rc != '0' and counts.failed == 0:
        counts.fail(f'the suite ended with exit code {rc}, though no test failed')
    elif counts.passed + counts.failed + counts.skipped == 0:
        counts.fail('no test ran')
    print(counts.passed, counts.failed, counts.skipped)
    for line in counts.details:
        print(line)


main()
