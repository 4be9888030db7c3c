"""Finds the fenced blocks of a Markdown document, with the options in their info strings."""

import re
import shlex
from dataclasses import dataclass

# Options with a value, and flags.
VALUES = {"file", "written", "save", "terminal", "limit", "no-run"}
FLAGS = {"runs", "fails", "eventually"}
ETCD_PORTS = (2379, 2380)
SESSIONS = {"console", "sh"}


class Mistake(Exception):
    """A failed block, with the place of the failure."""

    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")


@dataclass
class Block:
    path: str
    line: int  # of the first line inside the fence
    language: str
    options: dict
    lines: list

    def fail(self, message, index=0):
        raise Mistake(self.path, self.line + index, message)


@dataclass
class Document:
    path: str
    ports: list
    needs: list  # programs that a machine may lack
    blocks: list


def parse(path, text):
    """The blocks of a document, and what its directives state: `<!-- test-docs: ports=2379,9001 -->`, `needs=etcd`."""
    blocks, ports, needs, fence = [], [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        if fence is None:
            opening = re.fullmatch(r"(\s*)(`{3,})([^`]*)", line)
            if opening:
                fence = opening
                block = Block(path, number + 1, "", {}, [])
                block.language, block.options = parse_info(block, opening[3])
            directive = re.fullmatch(r"<!-- test-docs: (.*) -->", line)
            if directive and directive[1].startswith("await "):
                # Not shown to readers: what has come true at the pace of a reader.
                blocks.append(Block(path, number, "await", {}, [directive[1].removeprefix("await ")]))
            elif directive:
                if stated := re.fullmatch(r"ports=(\d+(?:,\d+)*)", directive[1]):
                    ports = [int(port) for port in stated[1].split(",")]
                elif stated := re.fullmatch(r"needs=(\S+)", directive[1]):
                    needs = stated[1].split(",")
                else:
                    raise Mistake(path, number, f"unknown directive: {directive[1]}")
        elif re.fullmatch(rf"\s*`{{{len(fence[2])},}}\s*", line):
            blocks.append(block)
            fence = None
        else:
            block.lines.append(line.removeprefix(fence[1]))
    if fence is not None:
        raise Mistake(path, block.line - 1, "the block has no end")
    if all(port in ports for port in ETCD_PORTS):
        needs = needs + ["etcd", "etcdctl"]
    return Document(path, ports, needs, blocks)


def parse_info(block, info):
    """The language of a block and its options: `console terminal=watch runs`."""
    try:
        words = shlex.split(info)
    except ValueError as error:
        block.fail(f"info string: {error}", -1)
    language, options = (words[0] if words else ""), {}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if (name not in VALUES or not value) if equals else name not in FLAGS:
            block.fail(f"unknown option in the info string: {word}", -1)
        options[name] = value
    return language, options
