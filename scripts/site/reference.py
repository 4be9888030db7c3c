"""DocC's JSON as pages: one page for a module and for each type, on which its members stand in full."""

import html
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from highlight import highlight
from markdown import ADDRESS

_PAGES = {"module", "struct", "class", "enum", "protocol", "actor", "extension"}
_KINDS = {
    "struct": "Structures",
    "class": "Classes",
    "actor": "Actors",
    "enum": "Enumerations",
    "protocol": "Protocols",
    "typealias": "Type Aliases",
    "associatedtype": "Associated Types",
    "init": "Initializers",
    "case": "Cases",
    "property": "Properties",
    "type.property": "Type Properties",
    "method": "Methods",
    "type.method": "Type Methods",
    "subscript": "Subscripts",
    "op": "Operators",
    "func": "Functions",
    "var": "Variables",
    "macro": "Macros",
    "extension": "Extended Types",
    "module": "Extended Modules",
}
# Every type has them, so they say nothing.
_SILENT_PROTOCOLS = {"SendableMetatype", "Copyable", "Escapable", "BitwiseCopyable"}


@dataclass
class Node:
    """A documented thing."""

    path: str  # /documentation/module/type/member
    data: dict
    children: list = field(default_factory=list)

    @property
    def kind(self):
        metadata = self.data["metadata"]
        # A module, or one that this module extends.
        return "module" if metadata["role"] == "collection" else metadata.get("symbolKind", metadata["role"])

    @property
    def title(self):
        return self.data["metadata"]["title"]

    @property
    def label(self):
        """The kind as a reader says it: Structure."""
        return self.data["metadata"].get("roleHeading", "")

    @property
    def names(self):
        return self.path.strip("/").split("/")[1:]


class Reference:
    """The pages of all archives."""

    def __init__(self, archives, document_address=lambda path: None):
        self.nodes = {}
        self.document_address = document_address
        for archive in archives:
            for path in sorted(archive.glob("data/documentation/**/*.json")):
                data = json.loads(path.read_text())
                if data["metadata"]["role"] == "collectionGroup":
                    continue  # the lists of inherited members that DocC makes
                address = data["variants"][0]["paths"][0]
                self.nodes[address] = Node(address, data)
        for node in self.nodes.values():
            parent = self.nodes.get(node.path.rsplit("/", 1)[0])
            if parent:
                parent.children.append(node)
        self.modules = [node for node in self.nodes.values() if len(node.names) == 1]
        self.module_addresses = {node.title: self.address(node.path) for node in self.modules}

    def is_page(self, node):
        return node.kind in _PAGES or self.holder(node) is None

    def holder(self, node):
        """The page of a type that a member stands on."""
        parent = self.nodes.get(node.path.rsplit("/", 1)[0])
        return parent if parent and len(node.names) > 1 and parent.kind in _PAGES - {"module"} else None

    @property
    def pages(self):
        return [node for node in self.nodes.values() if self.is_page(node)]

    def module_of(self, node):
        return self.nodes["/documentation/" + node.names[0]]

    def address(self, path):
        """The address in the site of a path of DocC's, or nothing if there is no such page."""
        node = self.nodes.get(path)
        if node is None:
            return None
        if not self.is_page(node):
            return self.address(self.holder(node).path) + "#" + quote(node.names[-1])
        if len(node.names) == 1:
            return f"api/{node.names[0]}/index.html"
        # Parentheses and colons of functions stay out of the names of files.
        return "api/" + "/".join(re.sub(r"[^\w.-]+", "-", name).strip("-") for name in node.names) + ".html"

    def groups(self, node):
        """The things below a page under their headings: as the documentation orders them, then all others by their kind."""
        groups, taken = [], set()
        for section in node.data.get("topicSections", []):
            found = [self.target(node, name) for name in section["identifiers"]]
            found = [n for n in found if n is not None and n.path not in taken]
            taken.update(n.path for n in found)
            if found:
                groups.append((section.get("title", ""), found))
        others = {}
        for child in node.children:
            if child.path not in taken:
                others.setdefault(_KINDS.get(child.kind, child.label or "Others"), []).append(child)
        names = {title for title, _ in groups}
        if node.kind == "protocol":
            # DocC orders what a protocol asks for and adds, but not the implementations of what it asks for.
            members = [child for title in list(others) for child in others[title] if self.holder(child) is node]
            others = {t: [c for c in found if c not in members] for t, found in others.items()}
            others = {t: found for t, found in others.items() if found}
            if members:
                others["Default Implementations"] = members
        for title in sorted(others, key=lambda t: list(_KINDS.values()).index(t) if t in _KINDS.values() else 99):
            groups.append((f"Other {title}" if title in names else title, sorted(others[title], key=lambda n: n.title)))
        return groups

    def extended(self, node):
        """The type of another module that an extension's page is about."""
        return self.nodes.get("/documentation/" + "/".join(node.names[1:])) if node.kind == "extension" else None

    def extensions(self, node):
        """The pages of other modules that add to a type."""
        end = node.path.removeprefix("/documentation")
        return [n for n in self.nodes.values() if n.kind == "extension" and n.path.endswith(end) and self.extended(n) is node]

    def target(self, node, identifier):
        reference = node.data["references"].get(identifier, {})
        return self.nodes.get(reference.get("url", ""))

    def text(self, inline, references):
        """Inline content as plain text."""
        out = []
        for item in inline or []:
            kind = item["type"]
            if kind == "text":
                out.append(item["text"])
            elif kind == "codeVoice":
                out.append(item["code"])
            elif kind == "reference":
                out.append(references.get(item["identifier"], {}).get("title", ""))
            elif "inlineContent" in item:
                out.append(self.text(item["inlineContent"], references))
        return "".join(out)

    def passages(self, node):
        """The headings of a page's text, each with its anchor and the plain text below it."""
        found = []
        for section in node.data.get("primaryContentSections", []):
            for block in section.get("content", []):
                if block["type"] == "heading" and block["text"] != "Overview":
                    found.append((block["text"], block["anchor"], []))
                elif found and block["type"] == "paragraph":
                    found[-1][2].append(self.text(block["inlineContent"], node.data["references"]))
        return [(title, anchor, " ".join(text)) for title, anchor, text in found]

    def abstract_text(self, node):
        return self.text(node.data.get("abstract"), node.data["references"])


def linked(text):
    """Text as HTML, with its addresses as links: DocC leaves them as text."""
    out, end = [], 0
    for match in ADDRESS.finditer(text):
        address = html.escape(match[0])
        out.append(f'{html.escape(text[end : match.start()], quote=False)}<a href="{address}">{address}</a>')
        end = match.end()
    return "".join(out) + html.escape(text[end:], quote=False)


class PageWriter:
    """The HTML of one page of the reference. `link` makes an address of the site relative to the page."""

    def __init__(self, reference, link):
        self.reference = reference
        self.link = link
        self.contents = []

    def page(self, node):
        out = [f'<p class="eyebrow">{html.escape(self.eyebrow(node))}</p>', f"<h1>{breakable(node.title)}</h1>"]
        if extended := self.reference.extended(node):
            place = self.link(self.reference.address(extended.path))
            module = html.escape(self.reference.module_of(extended).title)
            out.append(f'<p class="abstract">Added to <a href="{place}"><code>{html.escape(extended.title)}</code></a> of {module}.</p>')
        if abstract := node.data.get("abstract"):
            out.append(f'<p class="abstract">{self.inline(abstract, node)}</p>')
        out.append(self.body(node, level=2))
        for title, nodes in self.reference.groups(node):
            anchor = "topic-" + "-".join(title.lower().split())
            self.contents.append((2, title, anchor))
            out.append(f'<h2 class="topic" id="{html.escape(anchor)}">{html.escape(title)}</h2>')
            members = [n for n in nodes if self.reference.holder(n) is node and not self.reference.is_page(n)]
            listed = [n for n in nodes if n not in members]
            if listed:
                out.append("<dl class=\"symbols\">" + "".join(self.entry(n) for n in listed) + "</dl>")
            out += [self.member(n) for n in members]
        for extension in self.reference.extensions(node):
            module = self.reference.module_of(extension).title
            title, anchor = f"Added by {module}", f"added-by-{module.lower()}"
            self.contents.append((2, title, anchor))
            members = [n for _, nodes in self.reference.groups(extension) for n in nodes]
            out.append(f'<h2 class="topic" id="{anchor}">{title}</h2>')
            out.append('<dl class="symbols">' + "".join(self.entry(n) for n in members) + "</dl>")
        out.append(self.relations(node))
        return "\n".join(part for part in out if part)

    def eyebrow(self, node):
        if len(node.names) == 1:
            return "Module"
        return node.label or "Extension"

    def entry(self, node):
        address = self.link(self.reference.address(node.path))
        abstract = self.inline(node.data.get("abstract", []), node)
        title = html.escape(node.title)
        if not self.reference.is_page(node):
            title = html.escape(self.reference.holder(node).title + ".") + breakable(node.title)
        return f'<dt><a class="k-{css(node.kind)}" href="{address}"><code>{title}</code></a></dt><dd>{abstract}</dd>'

    def member(self, node):
        anchor = html.escape(node.names[-1])
        self.contents.append((3, node.title, node.names[-1]))
        out = [f'<section class="member" id="{anchor}">']
        out.append(f'<h3>{breakable(node.title)}<a class="anchor" href="#{quote(node.names[-1])}" aria-label="Link to this">#</a></h3>')
        out.append(self.declarations(node))
        if abstract := node.data.get("abstract"):
            out.append(f"<p>{self.inline(abstract, node)}</p>")
        out.append(self.body(node, level=4, with_declarations=False))
        for implementation in node.children:
            out.append(self.member(implementation))
        return "\n".join(part for part in out if part) + "</section>"

    # Sections

    def body(self, node, level, with_declarations=True):
        out = []
        for section in node.data.get("primaryContentSections", []):
            if section["kind"] == "declarations" and with_declarations:
                out.append(self.declarations(node))
            elif section["kind"] == "parameters":
                rows = "".join(
                    f"<dt><code>{html.escape(p['name'])}</code></dt><dd>{self.blocks(p['content'], node, level)}</dd>"
                    for p in section["parameters"]
                )
                out.append(f'<h4 class="minor">Parameters</h4><dl class="parameters">{rows}</dl>')
            elif section["kind"] == "content":
                out.append(self.blocks(section["content"], node, level))
        return "\n".join(out)

    def declarations(self, node):
        out = []
        for section in node.data.get("primaryContentSections", []):
            for declaration in section.get("declarations", []):
                code = self.declaration(declaration["tokens"], node)
                out.append(f'<pre class="declaration"><code>{code}</code></pre>')
        return "".join(out)

    def declaration(self, tokens, node):
        """A declaration; a long one with a line for each parameter."""
        is_long = sum(len(token["text"]) for token in tokens) > 90
        out, depth, was_open = [], 0, False
        for token in tokens:
            text, parts = token["text"], []
            if is_long and token["kind"] == "text":
                for character in text:
                    if character in "([":
                        depth += 1
                        if depth == 1 and character == "(" and not was_open:
                            was_open = True
                            parts.append("(\n    ")
                            continue
                    elif character in ")]":
                        depth -= 1
                        if depth == 0 and was_open is True:
                            was_open = "done"
                            parts.append("\n)")
                            continue
                    elif character == "," and depth == 1 and was_open is True:
                        parts.append(",\n    ")
                        continue
                    elif character == " " and parts and parts[-1].endswith("\n    "):
                        continue
                    parts.append(character)
                text = "".join(parts)
            out.append(self.token({**token, "text": text}, node))
        return "".join(out)

    def token(self, token, node):
        text = html.escape(token["text"], quote=False)
        reference = node.data["references"].get(token.get("identifier", ""), {})
        if address := self.reference.address(reference.get("url", "")):
            return f'<a class="c-type" href="{self.link(address)}">{text}</a>'
        kinds = {"keyword": "keyword", "attribute": "attribute", "typeIdentifier": "type", "identifier": "name",
                 "genericParameter": "type", "number": "number", "string": "string"}
        return f'<span class="c-{kinds[token["kind"]]}">{text}</span>' if token["kind"] in kinds else text

    def relations(self, node):
        out = []
        for section in node.data.get("relationshipsSections", []):
            names = []
            for identifier in section["identifiers"]:
                reference = node.data["references"].get(identifier, {})
                title = reference.get("title", identifier.rsplit("/", 1)[-1])
                if title.removeprefix("Swift.") in _SILENT_PROTOCOLS:
                    continue
                text = f"<code>{html.escape(title)}</code>"
                address = self.reference.address(reference.get("url", ""))
                names.append(f'<a href="{self.link(address)}">{text}</a>' if address else text)
            if names:
                out.append(f'<dt>{html.escape(section["title"])}</dt><dd>{" ".join(names)}</dd>')
        return f'<dl class="relations">{"".join(out)}</dl>' if out else ""

    # Content

    def blocks(self, blocks, node, level):
        return "\n".join(self.block(block, node, level) for block in blocks)

    def block(self, block, node, level):
        kind = block["type"]
        if kind == "paragraph":
            return f"<p>{self.inline(block['inlineContent'], node)}</p>"
        if kind == "heading":
            return self.heading(block, level)
        if kind == "codeListing":
            language = block.get("syntax") or ("swift" if level > 2 else "")
            label = f' data-language="{html.escape(language)}"' if block.get("syntax") else ""
            return f"<pre{label}><code>{highlight(chr(10).join(block['code']), language)}</code></pre>"
        if kind in ("unorderedList", "orderedList"):
            tag = "ul" if kind == "unorderedList" else "ol"
            items = "".join(f"<li>{self.blocks(item['content'], node, level)}</li>" for item in block["items"])
            return f"<{tag}>{items}</{tag}>"
        if kind == "termList":
            items = "".join(
                f"<dt>{self.inline(i['term']['inlineContent'], node)}</dt>"
                f"<dd>{self.blocks(i['definition']['content'], node, level)}</dd>"
                for i in block["items"]
            )
            return f"<dl>{items}</dl>"
        if kind == "aside":
            name = block.get("name") or block["style"].capitalize()
            content = self.blocks(block["content"], node, level)
            if name == "Throws":
                return f'<h4 class="minor">Throws</h4><div class="indented">{content}</div>'
            return f'<aside class="note"><p class="note-name">{html.escape(name)}</p>{content}</aside>'
        if kind == "table":
            rows = block["rows"]
            head = rows[0] if block.get("header") in ("row", "both") else None

            def row(cells, tag):
                # A cell is a list of blocks; a single paragraph stands in it as it is.
                texts = [self.blocks(cell, node, level) for cell in cells]
                return "<tr>" + "".join(f"<{tag}>{t.removeprefix('<p>').removesuffix('</p>')}</{tag}>" for t in texts) + "</tr>"

            header = f"<thead>{row(head, 'th')}</thead>" if head else ""
            body = "".join(row(cells, "td") for cells in (rows[1:] if head else rows))
            return f'<div class="table"><table>{header}<tbody>{body}</tbody></table></div>'
        if kind == "thematicBreak":
            return "<hr>"
        raise ValueError(f"{node.path}: DocC's {kind} is not known to the site")

    def heading(self, block, level):
        text = block["text"]
        if text in ("Overview", "Discussion"):
            return ""
        if level > 2:
            return f'<h4 class="minor">{html.escape(text)}</h4>'
        tag = min(block["level"], 4)
        anchor = block["anchor"]
        self.contents.append((tag, text, anchor))
        return (
            f'<h{tag} id="{html.escape(anchor)}">{html.escape(text)}'
            f'<a class="anchor" href="#{quote(anchor)}" aria-label="Link to this section">#</a></h{tag}>'
        )

    def inline(self, inline, node):
        return "".join(self.span(item, node) for item in inline)

    def span(self, item, node):
        kind = item["type"]
        if kind == "text":
            return linked(item["text"])
        if kind == "codeVoice":
            code = html.escape(item["code"], quote=False)
            address = self.reference.document_address(item["code"]) or self.reference.module_addresses.get(item["code"])
            if address and item["code"] != self.reference.module_of(node).title:
                return f'<a href="{self.link(address)}"><code>{code}</code></a>'
            return f"<code>{code}</code>"
        if kind == "reference":
            return self.reference_span(item, node)
        if kind == "link":
            return f'<a href="{html.escape(item["destination"])}">{html.escape(item["title"])}</a>'
        tags = {"emphasis": "em", "strong": "strong", "strikethrough": "s"}
        if kind in tags:
            return f"<{tags[kind]}>{self.inline(item['inlineContent'], node)}</{tags[kind]}>"
        raise ValueError(f"{node.path}: DocC's {kind} is not known to the site")

    def reference_span(self, item, node):
        reference = node.data["references"].get(item["identifier"], {})
        title = self.inline(item["overridingTitleInlineContent"], node) if "overridingTitleInlineContent" in item else None
        if reference.get("type") == "link":
            return f'<a href="{html.escape(reference["url"])}">{title or html.escape(reference["title"])}</a>'
        text = title or f"<code>{html.escape(reference.get('title', item['identifier']), quote=False)}</code>"
        address = self.reference.address(reference.get("url", ""))
        return f'<a href="{self.link(address)}">{text}</a>' if address else text


def breakable(name):
    """A long name, which may break at its joints."""
    out = html.escape(name, quote=False)
    return out.replace("(", "<wbr>(").replace(":", ":<wbr>").replace(".", ".<wbr>")


def css(kind):
    return kind.replace(".", "-")
