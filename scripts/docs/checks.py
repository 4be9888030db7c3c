"""Checks a document: quotes against files, configuration by kit, sessions by running them."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field

from blocks import SESSIONS, Mistake, parse
from links import dead_links
from matching import PLACEHOLDER
from session import Session

# Languages without anything to run.
TEXT = {"", "text"}


@dataclass
class Result:
    path: str
    mistakes: list = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    not_run: list = field(default_factory=list)
    skipped: str = ""


def check(path, text, root, programs, missing=(), limit=20):
    """Checks a document. `programs` maps names to the programs of this repository; `missing` has those not installed."""
    result = Result(path)
    result.mistakes += dead_links(path, text, root)
    try:
        document = parse(path, text)
        absent = [name for name in document.needs if name in missing]
        if absent:
            result.skipped = f"{absent[0]} is not installed"
            return result
        session = Session(document, programs, limit, root / ".build/new/build")
    except Mistake as mistake:
        result.mistakes.append(str(mistake))
        return result
    has_failed = False
    try:
        for block in document.blocks:
            # After a failure the rest of the sessions says little; quotes are still checked.
            if not has_failed or "file" in block.options:
                try:
                    check_block(block, session, root, result)
                except Mistake as mistake:
                    has_failed = True
                    result.mistakes.append(str(mistake))
    finally:
        left = session.close()
    if left and not result.mistakes:
        result.mistakes.append(f"{path}: the sessions leave running: {'; '.join(left)}")
    result.counts["commands"] = session.commands
    return result


def check_block(block, session, root, result):
    options = block.options
    if "no-run" in options:
        result.not_run.append(f"{block.path}:{block.line - 1}: {options['no-run']}")
        return
    if "file" in options:
        check_quote(block, root, options["file"])
        result.counts["quotes"] += 1
    if "written" in options:
        check_quote(block, session.directory, options["written"])
        result.counts["quotes"] += 1
    if "save" in options:
        session.save(block)
    if block.language == "await":
        session.wait(block)
    elif block.language in SESSIONS:
        session.run(block)
        result.counts["sessions"] += 1
    elif block.language == "yaml" and not options.keys() & {"file", "written"}:
        check_configuration(block, session)
        result.counts["configurations"] += 1
    elif block.language == "json" and not options.keys() & {"file", "written"}:
        try:
            json.loads("\n".join(block.lines))
        except json.JSONDecodeError as error:
            block.fail(f"not JSON: {error.msg}", error.lineno - 1)
    elif block.language not in TEXT and not options.keys() & {"file", "written", "save"}:
        block.fail(
            f'a block in {block.language} quotes a file (file=PATH), or says why it does not run (no-run="why")', -1
        )


def check_quote(block, directory, name):
    """The lines of the block stand in the file, together, all indented by the same; `…` alone leaves lines out."""
    path = directory / name
    if not path.is_file():
        block.fail(f"there is no file {name}", -1)
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    position = 0
    for start, part in parts(block.lines):
        position, wrong = find(part, lines, position)
        if wrong is not None:
            block.fail(f"not in {name} at this place: {part[wrong].strip()}", start + wrong)


def parts(lines):
    """The parts of a quote between placeholders, each with the index of its first line."""
    found, part, start = [], [], 0
    for index, line in enumerate(lines + [PLACEHOLDER]):
        if line.strip() == PLACEHOLDER:
            if part:
                found.append((start, part))
            part, start = [], index + 1
        else:
            part.append(line.rstrip())
    return found


def find(part, lines, position):
    """Where the part ends in the file, or the index of its first line that is not there."""
    longest = 0
    for start in range(position, len(lines)):
        indentation = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        own = part[0][: len(part[0]) - len(part[0].lstrip())]
        indentation = indentation.removesuffix(own) if indentation.endswith(own) else indentation
        count = 0
        while (
            count < len(part)
            and start + count < len(lines)
            and lines[start + count] == (indentation + part[count] if part[count] else "")
        ):
            count += 1
        if count == len(part):
            return start + count, None
        longest = max(longest, count)
    return position, longest


def check_configuration(block, session):
    """`kit config check` accepts the block as a service's file."""
    path = session.directory / ".checked.yaml"
    path.write_text("\n".join(block.lines) + "\n")
    done = subprocess.run(
        ["kit", "config", "check", str(path)],
        cwd=session.directory,
        env=session.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    path.unlink()
    if done.returncode != 0:
        block.fail(f"kit config check:\n{done.stdout}")
