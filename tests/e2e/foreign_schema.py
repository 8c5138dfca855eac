"""Validates JSON of echo-client: SCHEMA FILE... Each line of a file is one object."""

import copy
import json
import sys

import jsonschema


def broken(report):
    """Copies that the schema must refuse: one member is missing, of another type, or unknown."""
    for name in report:
        if name == "type":
            continue
        less = copy.deepcopy(report)
        del less[name]
        yield "without " + name, less
        other = copy.deepcopy(report)
        other[name] = {"no": "such type"}
        yield name + " of another type", other
    more = copy.deepcopy(report)
    more["no_such_member"] = 1
    yield "with another member", more


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = 0
    objects = []
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            for line in file:
                objects.append((path, json.loads(line)))
    for path, value in objects:
        for error in validator.iter_errors(value):
            where = "/".join(str(part) for part in error.absolute_path)
            print(f"{path}: {where}: {error.message[:300]}")
            wrong += 1
    kinds = {value.get("type"): value for _, value in objects}
    for kind, value in kinds.items():
        for how, spoiled in broken(value):
            if validator.is_valid(spoiled):
                print(f"{kind or 'a report'} {how} is accepted")
                wrong += 1
    print(f"{len(sys.argv) - 2} files with {len(objects)} objects of {len(kinds)} kinds: {wrong} errors")
    return 0 if wrong == 0 and len(kinds) == 4 else 1


sys.exit(main())
