"""Finds the relative links of a Markdown document that lead nowhere: to no file, or to no heading."""

import functools
import pathlib
import re


def dead_links(path, text, root):
    """The relative links of the text that lead to no file, or to a heading that its document does not have."""
    found = []
    for number, line in lines_of_text(text):
        for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", re.sub(r"`[^`]*`", "``", line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (pathlib.Path(root) / path).parent / name
            if name and not file.exists():
                found.append(f"{path}:{number}: there is no {name}")
            elif anchor and (not name or file.suffix == ".md"):
                if anchor not in anchors(file.read_text() if name else text):
                    found.append(f"{path}:{number}: {name or path} has no heading for #{anchor}")
    return found


@functools.lru_cache(maxsize=None)
def anchors(text):
    """The anchors of the headings, as GitHub makes them."""
    found = set()
    for _, line in lines_of_text(text):
        heading = re.fullmatch(r"#{1,6}\s+(.*?)\s*#*", line)
        if heading:
            # A link counts by its text.
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            number = 0
            while (name if number == 0 else f"{name}-{number}") in found:
                number += 1
            found.add(name if number == 0 else f"{name}-{number}")
    return found


def lines_of_text(text):
    """The lines outside of code blocks, with their numbers."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        marks = re.match(r"\s*(`{3,})", line)
        if fence is None and marks:
            fence = marks[1]
        elif fence is None:
            yield number, line
        elif marks and len(marks[1]) >= len(fence) and line.strip() == marks[1]:
            fence = None
