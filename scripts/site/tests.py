"""Tests of the scripts that make the site of the documentation."""

import pathlib
import tempfile
import unittest
from html.parser import HTMLParser

import documents
import symbols
from highlight import highlight
from layout import relative
from links import dead_links
from markdown import Renderer
from reference import linked


def html(text):
    return Renderer(lambda target, is_picture: target).render(text).html


class ReferenceTests(unittest.TestCase):
    def test_addresses_are_links(self):
        self.assertEqual(
            linked('a < b, see https://a.example/b?c=1&d ("e").'),
            'a &lt; b, see <a href="https://a.example/b?c=1&amp;d">https://a.example/b?c=1&amp;d</a> ("e").',
        )
        self.assertEqual(linked("(https://a.example/b/)"), '(<a href="https://a.example/b/">https://a.example/b/</a>)')


class MarkdownTests(unittest.TestCase):
    def test_blocks(self):
        for text, expected in [
            ("a\nb\n\nc", "<p>a\nb</p>\n<p>c</p>"),
            ("- a\n  b\n- c", "<ul><li>a\nb</li><li>c</li></ul>"),
            ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
            ("- a\n  - b", "<ul><li>a\n<ul><li>b</li></ul></li></ul>"),
            ("2. a\n3. b", '<ol start="2"><li>a</li><li>b</li></ol>'),
            ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
            ("a\n<!-- not\nshown -->\nb", "<p>a</p>\n<p>b</p>"),
            ("---", "<hr>"),
            ("```text no-run=\"why\"\n<a>\n```", '<pre data-language="text"><code>&lt;a&gt;</code></pre>'),
            ("- a\n\n  ```\n  b\n  ```", "<ul><li><p>a</p>\n<pre><code>b</code></pre></li></ul>"),
        ]:
            self.assertEqual(html(text), expected, text)

    def test_tables(self):
        self.assertEqual(
            html("| a | b |\n|---|--:|\n| `x \\| y` | **1** |"),
            '<div class="table"><table><thead><tr><th>a</th><th class="right">b</th></tr></thead><tbody><tr>'
            '<td><code>x | y</code></td><td class="right"><strong>1</strong></td></tr></tbody></table></div>',
        )
        self.assertNotIn("thead", html("| | |\n|---|---|\n| a | b |"))

    def test_tables_with_text_name_their_columns_in_each_row(self):
        text = "a meaning in so many words that no phone shows it"
        shown = html(f"| key | default | meaning |\n|---|---|---|\n| `x` | 1 | {text} |")
        self.assertIn('<table class="stacked">', shown)
        self.assertIn('<td data-label="default">1</td>', shown)
        self.assertNotIn("stacked", html("| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |"))
        self.assertNotIn("stacked", html(f"| a | b |\n|---|---|\n| 1 | {text} |"))

    def test_inline(self):
        for text, expected in [
            ("`a<b>`", "<code>a&lt;b&gt;</code>"),
            ("``a`b``", "<code>a`b</code>"),
            ("**a** *b* _c_ snake_case_name 2*3*4", "<strong>a</strong> <em>b</em> <em>c</em> snake_case_name 2<em>3</em>4"),
            ("[a `b`](c.md#d)", '<a href="c.md#d">a <code>b</code></a>'),
            ("![a](b.svg)", '<img src="b.svg" alt="a" loading="lazy">'),
            ("<https://a.example>", '<a href="https://a.example">https://a.example</a>'),
            ("see https://a.example/b.", 'see <a href="https://a.example/b">https://a.example/b</a>.'),
            ("a \\* b & c < d", "a * b &amp; c &lt; d"),
            ("`**a**`", "<code>**a**</code>"),
        ]:
            self.assertEqual(html(text), f"<p>{expected}</p>", text)

    def test_headings_have_the_anchors_of_github(self):
        document = Renderer().render("# A `kit run`: it's\n## 租约：键\n## Same\n## Same")
        self.assertEqual([h.anchor for h in document.headings], ["a-kit-run-its", "租约键", "same", "same-1"])
        self.assertEqual(document.title, "A kit run: it's")


class HighlightTests(unittest.TestCase):
    def test_code_stays_the_same_text(self):
        for language, code in [
            ("swift", 'let a = "x // y" // b <c>\nlet u = #"raw"#\n"""\nlet\n"""'),
            ("yaml", "a: b # c\nurl: http://x#y"),
            ("json", '{"a": [1, true, "b"]}'),
            ("console", "$ kit run\nout < put"),
            ("unknown", "<a>"),
        ]:
            parsed = []
            reader = HTMLParser(convert_charrefs=True)
            reader.handle_data = parsed.append
            reader.feed(highlight(code, language))
            reader.close()
            self.assertEqual("".join(parsed), code)

    def test_comment_in_a_string_is_none(self):
        self.assertNotIn("c-comment", highlight('"a // b"', "swift"))


class SymbolTests(unittest.TestCase):
    @staticmethod
    def symbol(name, doc=None, path="/a/Sources/M/F.swift", kind="swift.method"):
        found = {"identifier": {"precise": name}, "kind": {"identifier": kind}, "pathComponents": ["T", name]}
        if path:
            found["location"] = {"uri": f"file://{path}", "position": {"line": 4}}
        if doc is not None:
            found["docComment"] = {"lines": [{"text": doc}]}
        return found

    def test_symbols_without_docstring_are_found(self):
        graph = {
            "symbols": [
                self.symbol("good", "Does it."), self.symbol("bad"), self.symbol("blank", "  "),
                self.symbol("generated", path="/a/Sources/M/Generated/g.pb.swift"), self.symbol("fulfils"),
            ],
            "relationships": [{"kind": "defaultImplementationOf", "source": "fulfils", "target": "P"}],
        }
        self.assertEqual(
            symbols.undocumented(graph, None),
            ["Sources/M/F.swift:5: T.bad has no docstring", "Sources/M/F.swift:5: T.blank has no docstring"],
        )

    def test_what_the_compiler_has_written_is_left_out(self):
        graph = {
            "symbols": [self.symbol("own"), self.symbol("init(from:)", path=None)],
            "relationships": [{"kind": "memberOf", "source": "init(from:)", "target": "T"},
                              {"kind": "memberOf", "source": "own", "target": "T"}],
        }
        kept = symbols.without_synthesized(graph)
        self.assertEqual([s["identifier"]["precise"] for s in kept["symbols"]], ["own"])
        self.assertEqual([r["source"] for r in kept["relationships"]], ["own"])

    def test_library_products(self):
        manifest = {"products": [{"type": {"library": ["automatic"]}, "targets": ["A"]}, {"type": {"executable": None}, "targets": ["b"]}]}
        self.assertEqual(symbols.library_products(manifest), {"A"})


class SiteTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name).resolve()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def test_dead_links_are_found(self):
        self.write("index.html", '<a href="a/b.html#x"></a><a href="a/b.html#y"></a><a href="no.html"></a><a href="https://e.example">')
        self.write("a/b.html", '<p id="x"></p><p id="x"></p><a href="../index.html"></a><a href="../../beyond.html"></a><a href="#z%20z">')
        self.assertEqual(dead_links(self.root), [
            "a/b.html: the id x occurs twice",
            "a/b.html: ../../beyond.html leads to no file",
            "a/b.html: #z%20z leads to no such place in the page",
            "index.html: a/b.html#y leads to no such place in the page",
            "index.html: no.html leads to no file",
        ])

    def test_documents_stand_in_the_order_of_their_readme(self):
        self.write("docs/guide/README.md", "# Guide\n[b](b.md) [a](a.md#x)")
        self.write("docs/guide/a.md", "# A")
        self.write("docs/guide/b.md", "# B")
        self.write("docs/extra/c.md", "# Extra things")
        self.write("README.md", "# All")
        found = documents.find(self.root)
        self.assertEqual(found["docs/guide/README.md"], "guide/index.html")
        sections = documents.sections(self.root, found)
        self.assertEqual([s.title for s in sections], ["Guide", "Extra things", "The project"])
        self.assertEqual([p.rsplit("/")[-1] for p in sections[0].documents], ["README.md", "b.md", "a.md"])

    def test_links_of_documents(self):
        self.write("docs/guide/a.md", "")
        self.write("docs/guide/p.svg", "")
        self.write("Sources/M/Documentation.docc/M.md", "")
        self.write("Sources/M/F.swift", "")
        found = documents.find(self.root)
        resolver = documents.Resolver(self.root, found, lambda path: path == "Sources/M/F.swift")
        for target, expected in [
            ("a.md#x", "guide/a.html#x"), ("#x", "guide/a.html#x"), ("https://e.example", "https://e.example"),
            ("../../Sources/M/Documentation.docc/M.md", "api/m/index.html"), ("../../Sources/M/F.swift", "source/Sources/M/F.swift.html"),
        ]:
            self.assertEqual(resolver.address("docs/guide/a.md", target, False), expected)
        self.assertEqual(resolver.address("docs/guide/a.md", "p.svg", True), "guide/p.svg")
        self.assertEqual((resolver.sources, resolver.pictures), ({"Sources/M/F.swift"}, {"docs/guide/p.svg"}))
        for target, is_picture in [("no.md", False), ("no.svg", True)]:
            with self.assertRaises(documents.DocumentMistake):
                resolver.address("docs/guide/a.md", target, is_picture)

    def test_relative_addresses(self):
        self.assertEqual(relative("a/b.html", "a/c.html#d"), "c.html#d")
        self.assertEqual(relative("a/b.html", "index.html"), "../index.html")
        self.assertEqual(relative("a/b.html", "a/b.html#d"), "#d")
        self.assertEqual(relative("index.html", "https://e.example"), "https://e.example")
        self.assertEqual(relative("index.html", "source/a b.html"), "source/a%20b.html")
