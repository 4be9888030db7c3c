"""Draws diagrams from text: `sequence`, `boxes`, `plot` and `terminal`. docs/testing-docs.md describes the form."""

import re

from recording import terminal
from svg import Drawing, width


class DiagramMistake(Exception):
    pass


def draw(text):
    """The SVG for the text of a diagram: the kind, the title, and one element a line."""
    if text.startswith("terminal: "):
        title, _, rest = text.partition("\n")
        return terminal(title.removeprefix("terminal: "), rest.rstrip().split("\n"))
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
    lines = [(n, line) for n, line in lines if line and not line.startswith("#")]
    kinds = {"sequence": sequence, "boxes": boxes, "plot": plot}
    kind, _, title = lines[0][1].partition(": ") if lines else ("", "", "")
    if kind not in kinds or not title:
        raise DiagramMistake("1: begin with `sequence: TITLE`, `boxes: TITLE`, `plot: TITLE` or `terminal: TITLE`")
    return kinds[kind](title, lines[1:])


def wrong(number, line):
    raise DiagramMistake(f"{number}: not understood: {line}")


# Sequence diagrams

ROW = 40


def sequence(title, lines):
    if not lines or not lines[0][1].startswith("actors: "):
        raise DiagramMistake("2: the second line is `actors: A, B, …`")
    names = [name.strip() for name in lines[0][1].removeprefix("actors: ").split(",")]
    steps = [parse_step(number, line, names) for number, line in lines[1:]]
    x, right = columns(names, steps)
    drawing, y, top, frames, dead = Drawing(), 88, 60, [], {}
    late = []  # what stands in front of the lifelines
    for kind, first, second, text in steps:
        if kind == "phase":
            late.append(lambda y=y, text=text: drawing.label(24 + width(text) * 0.56, y, text, kind="strong"))
            drawing.add("path", d=f"M12 {y}H{right - 12:.0f}", class_="line dashed")
        elif kind == "frame":
            frames.append(y - 4)
            late.append(lambda y=y, text=text: drawing.label(22 + width(text) / 2, y + 8, text, kind="soft"))
        elif kind == "end":
            start = frames.pop()
            inset = 12 + 8 * len(frames)
            drawing.add("rect", x=inset, y=start - 6, width=right - 2 * inset, height=y - start - 8, rx=6, class_="plain dashed")
            y -= 18
        elif kind == "dies":
            late.append(lambda y=y, at=x[first], text=text: (drawing.cross(at, y), drawing.text(at + 14, y, text, anchor="start")))
            dead[first] = y
        elif kind == "note":
            w = max(width(part) for part in text.split("\\n")) + 20
            h = 24 + 18 * text.count("\\n")
            middle = (x[first] + x[second]) / 2
            late.append(lambda y=y, w=w, h=h, m=middle, text=text: drawing.box(m - w / 2, y - 13, w, h, text, kind=""))
            y += h - 24
        elif first == second:
            late.append(lambda y=y, at=x[first], text=text: own_message(drawing, at, y, text))
            y += 8
        else:
            late.append(lambda y=y, a=x[first], b=x[second], text=text, kind=kind: message(drawing, a, b, y, text, kind))
        y += ROW
    bottom = y - 8
    for index, at in enumerate(x):
        end = dead.get(index, bottom)
        drawing.add("path", d=f"M{at:.0f} {top}V{end:.0f}", class_="line")
    for paint in late:
        paint()
    for name, at in zip(names, x):
        w = width(name) + 28
        drawing.box(at - w / 2, 24, w, 36, name)
    return drawing.render(round(right), round(bottom + 16), title)


def parse_step(number, line, names):
    def actor(name):
        return names.index(name) if name in names else wrong(number, line)

    if found := re.fullmatch(r"== (.*) ==", line):
        return "phase", 0, 0, found[1]
    if found := re.fullmatch(r"frame: (.*)", line):
        return "frame", 0, 0, found[1]
    if line == "end":
        return "end", 0, 0, ""
    if found := re.fullmatch(r"(.+) dies(?:: (.*))?", line):
        return "dies", actor(found[1]), 0, found[2] or ""
    if found := re.fullmatch(r"note (.+?)(?:, (.+?))?: (.*)", line):
        first = actor(found[1])
        return "note", first, actor(found[2]) if found[2] else first, found[3]
    if found := re.fullmatch(r"(.+?) (->|-->) (.+?): (.*)", line):
        return found[2], actor(found[1]), actor(found[3]), found[4]
    wrong(number, line)


def columns(names, steps):
    """The positions of the lifelines, wide enough for the messages between them, and the width of the diagram."""
    gaps = [max(150, (width(a) + width(b)) / 2 + 60) for a, b in zip(names, names[1:])]
    left = width(names[0]) / 2 + 40
    right = width(names[-1]) / 2 + 40
    for kind, first, second, text in steps:
        w = max(width(part) for part in text.split("\\n"))
        if kind in ("->", "-->") and first == second:
            if first < len(gaps):
                gaps[first] = max(gaps[first], w + 66)
            else:
                right = max(right, w + 66)
        elif kind in ("->", "-->"):
            low, high = sorted((first, second))
            missing = w + 24 - sum(gaps[low:high])
            for index in range(low, high):
                gaps[index] += max(0, missing / (high - low))
        elif kind == "note" and first == second:
            half = w / 2 + 26
            if first == 0:
                left = max(left, half)
            else:
                gaps[first - 1] = max(gaps[first - 1], half + 30)
            if first == len(names) - 1:
                right = max(right, half)
            else:
                gaps[first] = max(gaps[first], half + 30)
        elif kind == "dies" and first == len(names) - 1:
            right = max(right, w + 40)
        elif kind == "dies":
            gaps[first] = max(gaps[first], w + 40)
    x = [left]
    for gap in gaps:
        x.append(x[-1] + gap)
    return x, x[-1] + right


def message(drawing, start, end, y, text, kind):
    direction = 1 if end > start else -1
    drawing.arrow(start, y, end - direction, y, dashed=kind == "-->")
    if text:
        drawing.label((start + end) / 2, y - 13, text)


def own_message(drawing, at, y, text):
    drawing.add("path", d=f"M{at:.0f} {y - 6}h26v18h-18", class_="arrow")
    drawing.add("polygon", points=f"{at + 1:.0f},{y + 12} {at + 10:.0f},{y + 7.5} {at + 10:.0f},{y + 16.5}", class_="head")
    drawing.text(at + 36, y + 3, text, anchor="start")


# Boxes and arrows

BOX = r"box (\w+) at (\d+),(\d+) size (\d+),(\d+): (.*)"
ARROW = r"(\w+) (->|-->|<->) (\w+)(?: shift (-?\d+),(-?\d+))?(?: label (-?\d+),(-?\d+))?(?:: (.*))?"


def boxes(title, lines):
    drawing, places, right, bottom, labels = Drawing(), {}, 0, 0, []
    for number, line in lines:
        if found := re.fullmatch(BOX, line):
            x, y, w, h = map(int, found.groups()[1:5])
            places[found[1]] = (x, y, w, h)
            right, bottom = max(right, x + w), max(bottom, y + h)
            drawing.box(x, y, w, h, found[6])
        elif found := re.fullmatch(r"frame at (\d+),(\d+) size (\d+),(\d+): (.*)", line):
            x, y, w, h = map(int, found.groups()[:4])
            right, bottom = max(right, x + w), max(bottom, y + h)
            drawing.add("rect", x=x, y=y, width=w, height=h, rx=8, class_="plain dashed")
            drawing.text(x + 12, y + 18, found[5], anchor="start", kind="soft")
        elif found := re.fullmatch(r"text at (\d+),(\d+): (.*)", line):
            drawing.text(int(found[1]), int(found[2]), found[3], kind="soft")
            right = max(right, int(found[1]) + width(found[3]) / 2)
            bottom = max(bottom, int(found[2]) + 10)
        elif (found := re.fullmatch(ARROW, line)) and found[1] in places and found[3] in places:
            shift = int(found[4] or 0), int(found[5] or 0)
            a, b = centre(places[found[1]], shift), centre(places[found[3]], shift)
            start, end = border(a, b, places[found[1]]), border(b, a, places[found[3]])
            drawing.arrow(*start, *end, dashed=found[2] == "-->")
            if found[2] == "<->":
                drawing.arrow(*end, *start)
            if found[8]:
                x = (start[0] + end[0]) / 2 + int(found[6] or 0)
                y = (start[1] + end[1]) / 2 + int(found[7] or 0)
                labels.append((x, y, found[8]))
        else:
            wrong(number, line)
    for label in labels:
        drawing.label(*label)
    return drawing.render(round(right + 20), round(bottom + 20), title)


def centre(place, shift):
    x, y, w, h = place
    return x + w / 2 + shift[0], y + h / 2 + shift[1]


def border(start, end, place):
    """Where the line from a point in a box to another point leaves the box."""
    x, y, w, h = place
    dx, dy = end[0] - start[0], end[1] - start[1]
    reach = [1.0]
    if dx:
        reach.append(((x + w if dx > 0 else x) - start[0]) / dx)
    if dy:
        reach.append(((y + h if dy > 0 else y) - start[1]) / dy)
    share = min(value for value in reach if value >= 0)
    return start[0] + dx * share, start[1] + dy * share


# Plots

def plot(title, lines):
    """Lines over a common horizontal axis: `x: label`, `y: label`, `line NAME: x,y x,y …`, `mark x: text`."""
    labels, series, marks = {}, [], []
    for number, line in lines:
        if found := re.fullmatch(r"([xy]): (.*)", line):
            labels[found[1]] = found[2]
        elif found := re.fullmatch(r"line (.+?): (.*)", line):
            points = [tuple(map(float, point.split(","))) for point in found[2].split()]
            series.append((found[1], points))
        elif found := re.fullmatch(r"mark ([\d.]+): (.*)", line):
            marks.append((float(found[1]), found[2]))
        else:
            wrong(number, line)
    left, top, w, h = 70, 56, 560, 240
    points = [point for _, listed in series for point in listed]
    x_end, y_end = ceiling(max(x for x, _ in points)), ceiling(1.05 * max(y for _, y in points))
    drawing = Drawing()

    def place(x, y):
        return left + x / x_end * w, top + h - y / y_end * h

    for step in range(5):
        x, y = place(x_end * step / 4, y_end * step / 4)
        drawing.add("path", d=f"M{left} {y:.1f}h{w}", class_="line", opacity="0.35")
        drawing.text(left - 8, y, f"{y_end * step / 4:g}", anchor="end", kind="soft")
        drawing.text(x, top + h + 16, f"{x_end * step / 4:g}", kind="soft")
    for index, (x, text) in enumerate(marks):
        at, _ = place(x, 0)
        drawing.add("path", d=f"M{at:.1f} {top}v{h}", class_="line dashed")
        drawing.text(at + 6, top + 10 + 18 * index, text, anchor="start", kind="soft")
    at = left
    for index, (name, listed) in enumerate(series):
        kind = ["arrow", "second", "third"][index % 3]
        path = "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(place(*p) for p in listed))
        drawing.add("path", d=path, class_=kind)
        drawing.add("path", d=f"M{at} 24h22", class_=kind)
        drawing.text(at + 28, 24, name, anchor="start")
        at += round(width(name)) + 52
    drawing.text(left + w / 2, top + h + 38, labels.get("x", ""))
    drawing.text(left, 44, labels.get("y", ""), anchor="start", kind="soft")
    return drawing.render(left + w + 30, top + h + 56, title)


def ceiling(value):
    """The next round number."""
    unit = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(unit * step for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10, 20) if unit * step >= value)
