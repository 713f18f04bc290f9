"""Validates a Kubernetes object against the published schemas of several versions, unknown fields
refused. Prints the object as JSON; says what is wrong and ends with 1 otherwise.

    check_cronjob.py FILE VERSION ...
"""

import json
import sys

import kubernetes_validate
import yaml

file, *versions = sys.argv[1:]
with open(file) as text:
    found = yaml.safe_load(text)
known = {".".join(name.split(".")[:2]) for name in kubernetes_validate.utils.all_versions()}
for version in versions:
    if version not in known:
        sys.exit(f"there is no schema of Kubernetes {version}, only of {sorted(known)}")
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        sys.exit(f"Kubernetes {version}: {path}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError as error:
        sys.exit(f"Kubernetes {version}: {error.message}")
print(json.dumps(found))
