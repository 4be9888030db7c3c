"""Elements of SVG in the colours of the diagrams, for light and dark screens."""

import unicodedata
from xml.sax.saxutils import escape

SIZE = 14  # of the letters, in pixels

STYLE = """
  svg { --back: #ffffff; --text: #1f2328; --soft: #59636e; --line: #818b98; --box: #f0f4f9; --accent: #0969da; --bad: #cf222e; }
  @media (prefers-color-scheme: dark) {
    svg { --back: #0d1117; --text: #f0f6fc; --soft: #9198a1; --line: #6e7681; --box: #1c2530; --accent: #58a6ff; --bad: #ff7b72; }
  }
  text { font: 14px system-ui, "Helvetica Neue", "DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", sans-serif; fill: var(--text); }
  .strong { font-weight: 600; }
  .code { font: 13px ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace; white-space: pre; }
  .code.strong { font-weight: 600; }
  .accent { fill: var(--accent); }
  .warn { fill: var(--bad); }
  .soft { fill: var(--soft); }
  .back { fill: var(--back); }
  .box { fill: var(--box); stroke: var(--line); stroke-width: 1.2; }
  .plain { fill: none; stroke: var(--line); stroke-width: 1.2; }
  .halo { fill: var(--back); }
  .line { fill: none; stroke: var(--line); stroke-width: 1.2; }
  .arrow { fill: none; stroke: var(--accent); stroke-width: 1.6; }
  .dashed { stroke-dasharray: 5 4; }
  .head { fill: var(--accent); }
  .bad { fill: none; stroke: var(--bad); stroke-width: 2.2; }
  .third { fill: none; stroke: var(--text); stroke-width: 1.6; stroke-dasharray: 5 4; }
  .second { fill: none; stroke: var(--bad); stroke-width: 1.6; }
"""


def width(text):
    """The width of a text, a little too large: fonts differ."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text) * SIZE


class Drawing:
    def __init__(self):
        self.elements = []

    def add(self, name, content=None, **attributes):
        listed = "".join(
            f' {key.rstrip("_").replace("_", "-")}="{number(value)}"' for key, value in attributes.items()
        )
        self.elements.append(f"<{name}{listed}/>" if content is None else f"<{name}{listed}>{escape(content)}</{name}>")

    def text(self, x, y, text, anchor="middle", kind=""):
        """Lines of text; `y` is the middle of them."""
        lines = text.split("\\n")
        for index, line in enumerate(lines):
            offset = (index - (len(lines) - 1) / 2) * SIZE * 1.3 + SIZE * 0.35
            self.add("text", line.strip(), x=x, y=y + offset, text_anchor=anchor, **({"class_": kind} if kind else {}))

    def label(self, x, y, text, kind=""):
        """A line of text that hides the lines behind it."""
        w = width(text) * (1.12 if kind == "strong" else 1) + 4
        self.add("rect", x=x - w / 2, y=y - SIZE * 0.62, width=w, height=SIZE * 1.24, class_="halo")
        self.text(x, y, text, kind=kind)

    def box(self, x, y, w, h, text, kind="strong"):
        self.add("rect", x=x, y=y, width=w, height=h, rx=6, class_="box")
        self.text(x + w / 2, y + h / 2, text, kind=kind)

    def arrow(self, x1, y1, x2, y2, dashed=False):
        length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1)
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        kind = "arrow dashed" if dashed else "arrow"
        self.add("path", d=f"M{number(x1)} {number(y1)}L{number(x2 - 6 * dx)} {number(y2 - 6 * dy)}", class_=kind)
        left = (x2 - 9 * dx + 4.5 * dy, y2 - 9 * dy - 4.5 * dx)
        right = (x2 - 9 * dx - 4.5 * dy, y2 - 9 * dy + 4.5 * dx)
        points = " ".join(f"{number(x)},{number(y)}" for x, y in [(x2, y2), left, right])
        self.add("polygon", points=points, class_="head")

    def cross(self, x, y):
        self.add("path", d=f"M{number(x - 7)} {number(y - 7)}l14 14m0 -14l-14 14", class_="bad")

    def render(self, w, h, title):
        body = "\n".join(self.elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(w)}" height="{number(h)}" '
            f'viewBox="0 0 {number(w)} {number(h)}" role="img">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
            f'<rect width="100%" height="100%" rx="8" class="back"/>\n{body}\n</svg>\n'
        )


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
