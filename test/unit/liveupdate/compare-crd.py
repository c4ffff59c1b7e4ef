#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the CRDs against the schema that the program reads a spec with, key by key.

usage: compare-crd.py DUMP-SCHEMA CRD...

Types, properties, required keys, enums, bounds and defaults must be equal. Patterns, formats and
CEL rules stand in the CRD only: the program says the same with better messages. Every string and
list of a CRD, status included, must be bounded. Before it judges, it breaks a copy of each schema
in every way it must notice, and fails when one goes unnoticed.
"""

import copy
import json
import subprocess
import sys

import yaml

COMPARED = ("type", "enum", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum",
            "default")


def differences(ours, crd, path):
    """Yields one line for each thing that is not equal."""
    for word in COMPARED:
        if ours.get(word) != crd.get(word):
            yield f"{path}: {word} is {ours.get(word)!r} in the program, {crd.get(word)!r} in the CRD"
    if sorted(ours.get("required", [])) != sorted(crd.get("required", [])):
        yield (f"{path}: required is {ours.get('required')} in the program, "
               f"{crd.get('required')} in the CRD")
    our_keys, crd_keys = ours.get("properties", {}), crd.get("properties", {})
    for key in our_keys.keys() - crd_keys.keys():
        yield f"{path}.{key}: not in the CRD"
    for key in crd_keys.keys() - our_keys.keys():
        yield f"{path}.{key}: not in the program"
    for key in our_keys.keys() & crd_keys.keys():
        yield from differences(our_keys[key], crd_keys[key], f"{path}.{key}")
    if ("items" in ours) != ("items" in crd):
        yield f"{path}: items on one side only"
    elif "items" in ours:
        yield from differences(ours["items"], crd["items"], path + "[]")


def nodes(schema):
    """Every schema within a schema."""
    yield schema
    for child in schema.get("properties", {}).values():
        yield from nodes(child)
    if "items" in schema:
        yield from nodes(schema["items"])


def broken_copies(schema):
    """Copies of a schema with one thing changed in each."""
    n_nodes = len(list(nodes(schema)))
    for i in range(n_nodes):
        for word in COMPARED:
            changed = copy.deepcopy(schema)
            node = list(nodes(changed))[i]
            node[word] = "something else"
            yield f"node {i}: {word}", changed
        changed = copy.deepcopy(schema)
        list(nodes(changed))[i].setdefault("properties", {})["added"] = {"type": "string"}
        yield f"node {i}: a property more", changed
        changed = copy.deepcopy(schema)
        list(nodes(changed))[i].setdefault("required", []).append("added")
        yield f"node {i}: a required key more", changed


def unnoticed(schema):
    for what, changed in broken_copies(schema):
        if not list(differences(schema, changed, "")) or not list(differences(changed, schema, "")):
            yield what


def unbounded(schema, path):
    """Strings and lists without an upper bound."""
    kind = schema.get("type")
    if kind == "string" and "maxLength" not in schema and "enum" not in schema:
        yield f"{path}: a string without maxLength"
    if kind == "array" and "maxItems" not in schema:
        yield f"{path}: a list without maxItems"
    if kind is None or "description" not in schema and not path.endswith("[]"):
        yield f"{path}: no type or no description"
    for key, child in schema.get("properties", {}).items():
        yield from unbounded(child, f"{path}.{key}")
    if "items" in schema:
        yield from unbounded(schema["items"], path + "[]")


def main():
    dump = json.loads(subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout)
    faults = []
    for name in sys.argv[2:]:
        with open(name, encoding="utf-8") as file:
            crd = yaml.safe_load(file)
        kind = crd["spec"]["names"]["kind"]
        versions = crd["spec"]["versions"]
        assert [v["name"] for v in versions] == ["v1alpha1"], "one version is expected"
        properties = versions[0]["schema"]["openAPIV3Schema"]["properties"]
        ours = dump.pop(kind)
        faults += [f"the comparison misses: {what}" for what in unnoticed(ours)]
        faults += differences(ours, properties["spec"], kind + ".spec")
        for part in ("spec", "status"):
            faults += unbounded(properties[part], f"{kind}.{part}")
    faults += [f"no CRD given for {kind}" for kind in dump]
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
