"""The Markdown of the documents as HTML: the part of GitHub's Markdown that they use. Other HTML than comments is text."""

import html
import re
from dataclasses import dataclass, field

from highlight import highlight


@dataclass
class Heading:
    level: int
    text: str
    anchor: str
    # The plain text below it, for the search.
    body: list = field(default_factory=list)


@dataclass
class Document:
    html: str
    headings: list

    @property
    def title(self):
        return next((heading.text for heading in self.headings if heading.level == 1), "")


def slug(text):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def plain(text):
    """Inline Markdown without its marks."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", text)


# An address in text, without the marks after it.
ADDRESS = re.compile(r"https?://[^\s<>)\]`，。]*[\w/]")


class Renderer:
    """`link` gets each target of a link or picture, and gives its address in the site."""

    def __init__(self, link=lambda target, is_picture: target):
        self.link = link
        self.headings = []
        self.anchors = {}

    def render(self, text):
        return Document(self.blocks(text.split("\n")), self.headings)

    # Blocks

    def blocks(self, lines, tight=False):
        out, i = [], 0
        while i < len(lines):
            line = lines[i]
            if not line.strip():
                i += 1
            elif line.lstrip().startswith("<!--"):
                while i < len(lines) and "-->" not in lines[i]:
                    i += 1
                i += 1
            elif fence := re.match(r" {0,3}(`{3,}|~{3,})\s*(\S*)", line):
                i = self.fence(lines, i, fence, out)
            elif heading := re.match(r" {0,3}(#{1,6})\s+(.*?)\s*#*$", line):
                out.append(self.heading(len(heading[1]), heading[2]))
                i += 1
            elif re.match(r" {0,3}([-*_])(\s*\1){2,}\s*$", line):
                out.append("<hr>")
                i += 1
            elif line.startswith(">"):
                end = i
                while end < len(lines) and lines[end].startswith(">"):
                    end += 1
                out.append(f"<blockquote>{self.blocks([re.sub('^> ?', '', l) for l in lines[i:end]])}</blockquote>")
                i = end
            elif self.is_table(lines, i):
                i = self.table(lines, i, out)
            elif self.marker(line):
                i = self.list(lines, i, out)
            else:
                end = i + 1
                while end < len(lines) and not self.interrupts(lines, end):
                    end += 1
                text = "\n".join(line.strip() for line in lines[i:end])
                self.note(text)
                out.append(self.inline(text) if tight else f"<p>{self.inline(text)}</p>")
                i = end
        return "\n".join(out)

    @staticmethod
    def marker(line):
        return re.match(r"( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)", line)

    @classmethod
    def interrupts(cls, lines, i):
        line = lines[i]
        return (
            not line.strip()
            or re.match(r" {0,3}(`{3,}|~{3,}|#{1,6}\s|>)", line)
            or line.lstrip().startswith("<!--")
            or cls.marker(line) is not None
            or cls.is_table(lines, i)
        )

    def fence(self, lines, i, fence, out):
        end = i + 1
        while end < len(lines) and not re.match(r" {0,3}" + fence[1][0] + "{%d,}\\s*$" % len(fence[1]), lines[end]):
            end += 1
        code = "\n".join(lines[i + 1 : end])
        self.note(code)
        out.append(code_block(code, fence[2]))
        return end + 1

    def heading(self, level, text):
        anchor = slug(plain(text))
        count = self.anchors.get(anchor, 0)
        self.anchors[anchor] = count + 1
        if count:
            anchor = f"{anchor}-{count}"
        self.headings.append(Heading(level, plain(text), anchor))
        mark = f'<a class="anchor" href="#{anchor}" aria-label="Link to this section">#</a>' if level > 1 else ""
        return f'<h{level} id="{anchor}">{self.inline(text)}{mark}</h{level}>'

    @staticmethod
    def is_table(lines, i):
        return "|" in lines[i] and i + 1 < len(lines) and re.match(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$", lines[i + 1]) and (
            "|" in lines[i + 1]
        )

    def table(self, lines, i, out):
        def cells(line):
            return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))]

        head = cells(lines[i])
        aligns = ["right" if c.endswith(":") and not c.startswith(":") else "" for c in cells(lines[i + 1])]
        rows, end = [], i + 2
        while end < len(lines) and "|" in lines[end] and lines[end].strip():
            rows.append(cells(lines[end]))
            end += 1

        # On a phone such a table is a list: a column of text is not readable beside two others.
        is_stacked = any(head) and len(head) > 2 and any(len(plain(cell)) > 40 for cells_of_row in rows for cell in cells_of_row)

        def row(values, tag):
            self.note(" ".join(values))
            styles = [f' class="{align}"' if align else "" for align in aligns] + [""] * len(values)
            if is_stacked and tag == "td":
                styles = [s + f' data-label="{html.escape(plain(label))}"' for s, label in zip(styles, head)] + styles[len(head) :]
            return "<tr>" + "".join(f"<{tag}{s}>{self.inline(v)}</{tag}>" for v, s in zip(values, styles)) + "</tr>"

        header = f"<thead>{row(head, 'th')}</thead>" if any(head) else ""
        kind = ' class="stacked"' if is_stacked else ""
        out.append(f'<div class="table"><table{kind}>{header}<tbody>{"".join(row(r, "td") for r in rows)}</tbody></table></div>')
        return end

    def list(self, lines, i, out):
        first = self.marker(lines[i])
        is_ordered = first[2][0].isdigit()
        items, loose = [], False
        while i < len(lines) and (mark := self.marker(lines[i])) and mark[2][0].isdigit() == is_ordered:
            width = len(mark[0])
            item, i = [lines[i][width:]], i + 1
            while i < len(lines):
                if not lines[i].strip():
                    after = next((l for l in lines[i:] if l.strip()), "")
                    if len(after) - len(after.lstrip()) >= width:
                        item.append("")
                        i += 1
                        continue
                    break
                if len(lines[i]) - len(lines[i].lstrip()) >= width:
                    item.append(lines[i][width:])
                elif self.interrupts(lines, i):
                    break
                else:
                    item.append(lines[i].strip())
                i += 1
            while item and not item[-1].strip():
                item.pop()
            loose = loose or "" in item
            items.append(item)
            blank = i
            while blank < len(lines) and not lines[blank].strip():
                blank += 1
            if blank > i and blank < len(lines) and self.marker(lines[blank]):
                loose, i = True, blank
        start = int(first[2][:-1]) if is_ordered else 1
        tag = "ol" if is_ordered else "ul"
        attribute = f' start="{start}"' if start != 1 else ""
        body = "".join(f"<li>{self.blocks(item, tight=not loose)}</li>" for item in items)
        out.append(f"<{tag}{attribute}>{body}</{tag}>")
        return i

    def note(self, text):
        if self.headings:
            self.headings[-1].body.append(plain(text))

    # Inline text

    _INLINE = re.compile(
        r"(?P<code>(?P<ticks>`+)(?P<inner>.+?)(?<!`)(?P=ticks)(?!`))"
        r"|(?P<escape>\\[!-/:-@\[-`{-~])"
        r"|(?P<link>(?P<picture>!?)\[(?P<label>(?:[^\[\]`]|`[^`]*`|\[[^\]]*\]\([^)]*\))*)\]\((?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\))"
        r"|(?P<auto><(?P<address>https?://[^>\s]+)>)"
        rf"|(?P<bare>{ADDRESS.pattern})"
        r"|(?P<strong>\*\*(?=\S)(?P<bold>.+?)(?<=\S)\*\*)"
        r"|(?P<em>\*(?=[^\s*])(?P<slanted>[^*]+?)(?<=\S)\*|(?<!\w)_(?=\S)(?P<under>[^_]+?)(?<=\S)_(?!\w))"
        r"|(?P<entity>&(?:#\d+|#x[0-9a-fA-F]+|\w+);)",
        re.DOTALL,
    )

    def inline(self, text):
        out, end = [], 0
        for match in self._INLINE.finditer(text):
            out.append(html.escape(text[end : match.start()], quote=False))
            out.append(self.span(match))
            end = match.end()
        return "".join(out) + html.escape(text[end:], quote=False)

    def span(self, match):
        if match["code"]:
            code = match["inner"].replace("\n", " ")
            if code.startswith(" ") and code.endswith(" ") and code.strip():
                code = code[1:-1]
            return f"<code>{html.escape(code, quote=False)}</code>"
        if match["escape"]:
            return html.escape(match["escape"][1], quote=False)
        if match["link"]:
            target = html.escape(self.link(match["target"], bool(match["picture"])))
            if match["picture"]:
                label = html.escape(plain(match["label"]))
                return f'<img src="{target}" alt="{label}" loading="lazy">'
            return f'<a href="{target}">{self.inline(match["label"])}</a>'
        if match["auto"] or match["bare"]:
            address = html.escape(match["address"] or match["bare"])
            return f'<a href="{address}">{address}</a>'
        if match["strong"]:
            return f"<strong>{self.inline(match['bold'])}</strong>"
        if match["em"]:
            return f"<em>{self.inline(match['slanted'] or match['under'])}</em>"
        return match["entity"]


def code_block(code, language):
    label = f' data-language="{html.escape(language)}"' if language else ""
    return f'<pre{label}><code>{highlight(code, language)}</code></pre>'
