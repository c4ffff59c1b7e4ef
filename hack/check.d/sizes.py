#!/usr/bin/python3
"""No .c file is longer than 600 lines, no function longer than 60, or with more than four inputs."""
import re

import common

FILE_LINES = 600
FUNCTION_LINES = 60
INPUTS = 4

findings = common.Findings()


def functions(lines):
    """Yields (line of the signature, signature, lines of it and its body).

    A table of constants, however many rows it has, counts as one line: it is data.

    Layout is clang-format's: a function's braces stand alone in the first column, and nothing else
    has its opening brace there.
    """
    start = 0
    for number, line in enumerate(lines):
        if line == '{':
            begin = number
            while begin > start and re.match(r'[A-Za-z_ \t]', lines[begin - 1]):
                begin -= 1
            end = number
            while end < len(lines) and lines[end] != '}':
                end += 1
            yield begin, ' '.join(lines[begin:number]), code_lines(lines[begin:end + 1])
            start = end


def code_lines(lines):
    """How many lines there are, a table of constants counted as one."""
    count, in_table, depth = 0, False, 0
    for line in lines:
        count += not in_table
        in_table = in_table or re.match(r'\s+static const\b', line) is not None
        if in_table:
            bare = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])+\'', '', line)
            depth += bare.count('{') - bare.count('}')
            in_table = depth > 0 or not bare.endswith(';')
    return count


def name_of(signature):
    """The function's name: the first word before a parenthesis that is no attribute."""
    names = [n for n in re.findall(r'(\w+)\s*\(', signature)
             if not (n.startswith('_') and n.endswith('_')) and n != '__attribute__']
    return names[0] if names else '?'


def inputs_of(signature, name):
    """How many parameters it has, without ret_..., err, userdata and what is to be printed."""
    depth, names, word = 0, [], ''
    for char in signature.split(name, 1)[1]:
        depth += {'(': 1, ')': -1}.get(char, 0)
        if depth == 0 or (depth == 1 and char == ','):
            names.append(re.sub(r'\[.*', '', word).strip().split(' ')[-1].lstrip('*('))
            word = ''
        else:
            word += char
        if depth == 0:
            break
    return sum(not n.startswith('ret_') and n not in ('err', 'userdata', 'void', '...') for n in names)


for file in common.files('*.c', '*.h'):
    text = common.text_of(file).splitlines()
    if file.endswith('.c') and len(text) > FILE_LINES:
        findings.add(file, f'{len(text)} lines, at most {FILE_LINES}', file)
    for first, head, n_lines in functions(text):
        function = name_of(head)
        place, key = f'{file}:{first + 1}', f'{file} {function}'
        if n_lines > FUNCTION_LINES:
            findings.add(place, f'{function}() has {n_lines} lines, at most {FUNCTION_LINES}', key)
        n_inputs = inputs_of(head, function) if function != '?' else 0
        if n_inputs > INPUTS:
            findings.add(place, f'{function}() has {n_inputs} inputs, at most {INPUTS}', key)
findings.end()
