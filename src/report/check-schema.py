#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check-schema.py SCHEMA FILE...: every FILE must follow the JSON Schema (exit 77: python3-jsonschema is not installed)."""
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: needs the package python3-jsonschema")
    sys.exit(77)


def open_objects(schema, path=""):
    """Objects of the schema that would let unknown keys in; those that carry other documents are marked x-foreign."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield path
        if "properties" in schema and set(schema["properties"]) != set(schema.get("required", [])):
            yield path + " (keys are always there, so all are required)"
        for key, value in schema.items():
            yield from open_objects(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for i, value in enumerate(schema):
            yield from open_objects(value, f"{path}/{i}")


schema = json.load(open(sys.argv[1], encoding="utf-8"))
Draft202012Validator.check_schema(schema)
bad = [f"schema: open object at {p}" for p in open_objects(schema)]
for name in sys.argv[2:]:
    data = json.load(open(name, encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(data):
        bad.append(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
    # the schema must notice: an unknown key anywhere at the top, a missing one, a wrong type
    for change in ({"surprise": 1}, {"verdict": None}, {"files": {}}):
        if Draft202012Validator(schema).is_valid({**data, **change}):
            bad.append(f"{name}: the schema accepts {change}")
print("\n".join(bad[:40]) or "ok")
sys.exit(1 if bad else 0)
