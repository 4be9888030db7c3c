"""Draws the recorded output of a terminal: `terminal: TITLE`, and then the lines as they came."""

import re
import unicodedata

from svg import Drawing

# Of the letters, in pixels: each is as wide as SVG is told, whatever the font.
WIDTH, ROW = 7.8, 18


def terminal(title, lines):
    """The picture of the lines. Commands and headings stand out; instances that leave, and the verdict, have colours."""
    drawing = Drawing()
    columns = max(cells(line) for line in lines)
    width, height = round(columns * WIDTH + 40), 52 + ROW * len(lines)
    drawing.add("rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=8, class_="box")
    for index in range(3):
        drawing.add("circle", cx=20 + 18 * index, cy=18, r=5, class_="plain")
    for index, line in enumerate(lines):
        if line.strip():
            drawing.add(
                "text",
                line,
                x=20,
                y=52 + ROW * index,
                textLength=round(cells(line) * WIDTH, 1),
                lengthAdjust="spacingAndGlyphs",
                class_=("code " + kind(line)).strip(),
            )
    return drawing.render(width, height, title)


def kind(line):
    if line.startswith(("$ ", "==> no call failed")):
        return "strong accent"
    if line.startswith("==> "):
        return "strong"
    if re.match(r"left\s", line):
        return "warn"
    return ""


def cells(line):
    """The columns that a line takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
