"""Finds options in the text of a document that docs/options.md does not have."""

import re

from links import lines_of_text

# `app` and `config` are left out: code and files begin so, too.
SECTIONS = "registry|startup|shutdown|log|metrics|server|client"


def unknown_options(path, text, keys):
    """The options in backquotes that are neither a key nor the start of one: `server.limit.fixed.max: 20`."""
    found = []
    for number, line in lines_of_text(text):
        for quoted in re.findall(r"`([^`]+)`", line):
            name = re.match(rf"(?:{SECTIONS})(?:\.[a-z][a-z0-9_-]*)+(?=$|: |=|\.<)", quoted)
            if name and name[0] not in OTHERS and not known(name[0], keys):
                found.append(f"{path}:{number}: docs/options.md has no {name[0]}")
    return found


def known(name, keys):
    """Whether it is a key, the start of one, or below a key that is a mapping."""
    return any(key == name or key.startswith(name + ".") for key in keys) or any(
        name.startswith(key + ".") for key in keys if key.rsplit(".", 1)[-1] in MAPPINGS
    )


# The last parts of keys with keys of the user's own below them.
MAPPINGS = {"methods", "services", "metadata", "levels", "labels"}
# An attribute of OpenTelemetry, and the options of an example.
OTHERS = {"server.address", "registry.phonebook"}


def keys_of(text):
    """The keys in the tables of docs/options.md."""
    return set(re.findall(r"^\| `([a-z0-9_.-]+)` \|", text, re.MULTILINE))
