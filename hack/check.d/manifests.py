#!/usr/bin/python3
"""Every YAML file parses, names no key twice, and each document of manifests/ is a Kubernetes object."""
import yaml

import common

findings = common.Findings()


class Loader(yaml.SafeLoader):
    """As the safe loader, and a key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{key.value}" stands twice', key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def check_file(name):
    try:
        with open(name, 'rb') as f:
            documents = [d for d in yaml.load_all(f, Loader) if d is not None]
    except yaml.YAMLError as e:
        mark = getattr(e, 'problem_mark', None)
        line = mark.line + 1 if mark else 1
        findings.add(f'{name}:{line}', getattr(e, 'problem', None) or str(e), name)
        return
    if not name.startswith('manifests/'):
        return
    if not documents:
        findings.add(name, 'holds no object', name)
    for number, document in enumerate(documents, 1):
        if not isinstance(document, dict) or not {'apiVersion', 'kind'} <= document.keys():
            findings.add(f'{name}, document {number}', 'no apiVersion and kind', name)


for file in common.files('*.yaml', '*.yml'):
    check_file(file)
findings.end()
