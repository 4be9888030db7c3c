"""Compares output with what a document shows. `…` stands for any text in a line; alone in a line, for any lines.
The number of spaces between words does not count."""

import difflib
import re

PLACEHOLDER = "…"


def pattern(line):
    """The regular expression for a line of a document."""
    text = "[^\n]*".join(re.escape(part) for part in line.rstrip().split(PLACEHOLDER))
    # Columns of tables are as wide as their longest text, which a placeholder may stand for.
    return re.sub(r"(?:\\ )+", " +", text)


def normalized(text):
    """The lines of an output, without spaces at their ends, and without empty lines before and after it."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def matches(expected, actual):
    """Whether an output is as shown; both are lists of lines."""
    whole = "".join(
        "(?:[^\n]*\n)*?" if line.strip() == PLACEHOLDER else pattern(line) + "\n" for line in expected
    )
    return re.fullmatch(whole, "".join(line + "\n" for line in actual)) is not None


def difference(expected, actual):
    """The difference for a person, and the index of the first line of the document that differs."""
    # Lines with placeholders take the text that they stand for, so that only real differences show.
    shown, position = [], 0
    for index, line in enumerate(expected):
        if line.strip() == PLACEHOLDER:
            rest = expected[index + 1 :]
            end = position
            while rest and end < len(actual) and not re.fullmatch(pattern(rest[0]), actual[end]):
                end += 1
            if not rest:
                end = len(actual)
            shown += [(index, text) for text in actual[position:end]]
            position = end
            continue
        found = next((i for i in range(position, len(actual)) if re.fullmatch(pattern(line), actual[i])), None)
        if found is None:
            shown.append((index, line.rstrip()))
        else:
            shown.append((index, actual[found]))
            position = found + 1
    texts = [text for _, text in shown]
    first = next(
        (i for i, (a, b) in enumerate(zip(texts, actual)) if a != b), min(len(texts), len(actual))
    )
    index = shown[first][0] if first < len(shown) else max(len(expected) - 1, 0)
    lines = difflib.unified_diff(texts, actual, "the document", "the output", lineterm="", n=2)
    return "\n".join("    " + line for line in lines), index
