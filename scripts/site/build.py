"""Writes the whole site: the landing page, the documents, the reference, the linked sources, and the index of the search."""

import html
import json
import os
import re
import shutil
import subprocess
from urllib.parse import quote

import documents as docs
from highlight import highlight
from landing import landing
from layout import frame, relative
from markdown import Renderer, code_block
from reference import PageWriter, Reference

_LANGUAGES = {".swift": "swift", ".yaml": "yaml", ".json": "json", ".proto": "proto", ".js": "js", ".sh": "sh", "": "sh"}
# A web server shows this page in the place of any other, so its links fit only at the root of the site. The script finds the
# root above the address, and goes there.
_NOT_FOUND = """<article class="prose"><h1>There is no such page</h1>
<p><code id="asked"></code></p>
<p>Search for it above, or begin with the <a href="index.html">first page</a>.</p></article>
<script>
(async () => {
  const asked = new URLSearchParams(location.search).get("asked");
  if (asked) { document.getElementById("asked").textContent = asked; return; }
  document.body.style.visibility = "hidden";
  const parts = location.pathname.split("/").slice(1, -1);
  for (let n = parts.length; n >= 0; n--) {
    const root = "/" + parts.slice(0, n).map((part) => part + "/").join("");
    if ((await fetch(root + "assets/icon.svg", {method: "HEAD"})).ok) {
      location.replace(root + "404.html?asked=" + encodeURIComponent(location.pathname));
      return;
    }
  }
  document.body.style.visibility = "";
})();
</script>"""


class Site:
    def __init__(self, root, output, archives):
        self.root = root
        self.output = output
        self.documents = docs.find(root)
        self.sections = docs.sections(root, self.documents)
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True)
        self.files = {name for name in listing.stdout.splitlines() if (root / name).is_file()}
        self.directories = {str(parent) for name in self.files for parent in docs.pathlib.PurePosixPath(name).parents}
        self.resolver = docs.Resolver(root, self.documents, lambda path: path in self.files or path in self.directories)
        self.reference = Reference(archives, lambda text: self.documents.get(text) if text.endswith(".md") else None)
        self.index = []
        self.titles = {}
        version = re.search(r'current = "([^"]+)"', (root / "Sources/ServiceKitCommand/Version/KitVersion.swift").read_text())
        self.frame = {"version": version[1], "places": self.places()}

    def places(self):
        found = {section.key: self.documents[section.documents[0]] for section in self.sections}
        places = [("Guide", found.get("guide")), ("Handbook", found.get("handbook")), ("API", "api/index.html"),
                  ("References", found.get("")), ("中文", found.get("zh"))]
        return [(text, address) for text, address in places if address]

    def write(self):
        rendered = {path: self.render(path) for path in self.documents}
        self.titles = {path: document.title or path for path, document in rendered.items()}
        for section in self.sections:
            for i, path in enumerate(section.documents):
                self.write_document(section, i, rendered[path])
        self.write_reference()
        self.write_sources()
        for picture in self.resolver.pictures:
            target = self.output / picture.removeprefix("docs/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / picture, target)
        self.write_assets()
        body = landing(self.root, self.reference, self.frame["places"])
        self.put("index.html", "ServiceKit", body, kind="landing", navigation=self.navigation("index.html"))
        self.put("404.html", "Not found", _NOT_FOUND, navigation=self.navigation("404.html"))

    def put(self, address, title, body, **options):
        target = self.output / address
        target.parent.mkdir(parents=True, exist_ok=True)
        if title != "ServiceKit":
            title += " · ServiceKit"
        target.write_text(frame(address, title, body, self.frame, **options))

    # Documents

    def render(self, path):
        page = self.documents[path]
        renderer = Renderer(lambda target, is_picture: relative(page, self.resolver.address(path, target, is_picture)))
        return renderer.render((self.root / path).read_text())

    def write_document(self, section, i, document):
        path = section.documents[i]
        address = self.documents[path]
        is_series = section.key not in ("", "about")

        def step(j):
            return (self.titles[section.documents[j]], self.documents[section.documents[j]])

        before = step(i - 1) if is_series and i > 0 else None
        after = step(i + 1) if is_series and i + 1 < len(section.documents) else None
        self.put(
            address, self.titles[path], f'<article class="prose">{document.html}</article>',
            navigation=self.navigation(address), steps=(before, after),
            contents=[(h.level, h.text, h.anchor) for h in document.headings],
            language="zh-CN" if section.key.split("/")[0] == "zh" or path.endswith(".zh.md") else "en",
        )
        for heading in document.headings:
            is_title = heading.level == 1
            place = address if is_title else f"{address}#{heading.anchor}"
            context = section.title if is_title else self.titles[path]
            self.index.append([heading.text, context, place, "page" if is_title else "section", " ".join(heading.body)])

    def navigation(self, page):
        out = []
        for section in self.sections:
            items = "".join(
                self.item(page, self.documents[path], docs.LABELS.get(path, self.titles[path])) for path in section.documents)
            is_open = any(self.documents[path] == page for path in section.documents) or (
                section.key in ("guide", "handbook") and not page.startswith("zh/"))
            out.append(f'<details{" open" if is_open else ""}><summary>{html.escape(section.title)}</summary><ul>{items}</ul></details>')
        modules = "".join(self.item(page, self.reference.address(m.path), m.title) for m in self.modules())
        out.insert(2, f"<details{' open' if page.startswith('api/') else ''}><summary>API</summary><ul>{modules}</ul></details>")
        return "".join(out)

    @staticmethod
    def item(page, address, title, kind=""):
        here = ' aria-current="page"' if address == page else ""
        kind = f' class="{kind}"' if kind else ""
        return f'<li><a{kind} href="{html.escape(relative(page, address))}"{here}>{html.escape(title)}</a></li>'

    # The reference

    def modules(self):
        return sorted(self.reference.modules, key=lambda m: (m.title != "ServiceKit", m.title))

    def write_reference(self):
        body = ['<article class="prose"><h1>API</h1><p>Each module is a library product of the package.</p><dl class="symbols modules">']
        for module in self.modules():
            address = relative("api/index.html", self.reference.address(module.path))
            abstract = html.escape(self.reference.abstract_text(module))
            body.append(f'<dt><a href="{address}"><code>{module.title}</code></a></dt><dd>{abstract}</dd>')
        self.put("api/index.html", "API", "".join(body) + "</dl></article>", navigation=self.navigation("api/index.html"))
        self.index.append(["API", "All modules", "api/index.html", "page", ""])
        for node in self.reference.nodes.values():
            self.add_to_index(node)
        for node in self.reference.pages:
            address = self.reference.address(node.path)
            writer = PageWriter(self.reference, lambda target, page=address: html.escape(relative(page, target)))
            body = f'<article class="prose reference">{self.way(node, address)}{writer.page(node)}</article>'
            self.put(address, node.title, body, navigation=self.module_navigation(node, address), contents=writer.contents,
                     kind="api")

    def way(self, node, page):
        """The pages above a page."""
        out, path = [f'<a href="{relative(page, "api/index.html")}">API</a>'], "/documentation"
        for name in node.names[:-1]:
            path += "/" + name
            above = self.reference.nodes.get(path)
            if above:
                out.append(f'<a href="{html.escape(relative(page, self.reference.address(path)))}">{html.escape(above.title)}</a>')
        return f'<nav class="way" aria-label="Above">{" / ".join(out)}</nav>'

    def module_navigation(self, node, page):
        module = self.reference.module_of(node)
        out = [f'<p class="module"><a href="{relative(page, "api/index.html")}">API</a> / '
               f'<a href="{html.escape(relative(page, self.reference.address(module.path)))}">{module.title}</a></p>']
        own = node if self.reference.is_page(node) else self.reference.holder(node)
        for title, nodes in self.reference.groups(module):
            nodes = [n for n in nodes if self.reference.is_page(n)]
            if not nodes:
                continue
            items = "".join(
                self.item(page, self.reference.address(n.path), n.title, "k-" + n.kind.replace(".", "-")) for n in nodes)
            is_open = own is module or any(own.path == n.path or own.path.startswith(n.path + "/") for n in nodes)
            out.append(f'<details{" open" if is_open else ""}><summary>{html.escape(title)}</summary><ul>{items}</ul></details>')
        return "".join(out)

    def add_to_index(self, node):
        above = self.reference.nodes.get(node.path.rsplit("/", 1)[0])
        context = self.reference.module_of(node).title
        if above and len(above.names) > 1:
            context += " · " + above.title
        kind = "module" if len(node.names) == 1 else node.kind
        address = self.reference.address(node.path)
        self.index.append([node.title, context, address, kind, self.reference.abstract_text(node)[:200]])
        if kind == "module":
            for title, anchor, text in self.reference.passages(node):
                self.index.append([title, node.title, f"{address}#{quote(anchor)}", "section", text[:400]])

    # Sources that documents link to

    def write_sources(self):
        written, waiting = set(), sorted(self.resolver.sources)
        while waiting:
            path = waiting.pop()
            if path in written:
                continue
            written.add(path)
            address = docs.source_address(self.root, path)
            heading = f'<h1 class="path">{html.escape(path)}</h1>'
            if path in self.directories:
                below = sorted({"/".join(f.split("/")[: path.count("/") + 2]) for f in self.files if f.startswith(path + "/")})
                items = "".join(
                    f'<li><a href="{html.escape(relative(address, self.below(name)))}">{html.escape(os.path.basename(name))}'
                    f'{"/" if name in self.directories else ""}</a></li>' for name in below)
                waiting += [name for name in below if name not in self.documents and f"{name}/README.md" not in self.documents]
                body = f'{heading}<ul class="files">{items}</ul>'
            else:
                language = _LANGUAGES.get(os.path.splitext(path)[1], "")
                body = heading + code_block((self.root / path).read_text().rstrip("\n"), language)
            self.put(address, path, f'<article class="prose source">{body}</article>', navigation=self.navigation(address), kind="sources")

    def below(self, name):
        if name in self.documents:
            return self.documents[name]
        return self.documents.get(f"{name}/README.md") or docs.source_address(self.root, name)

    def write_assets(self):
        assets = self.output / "assets"
        assets.mkdir(parents=True, exist_ok=True)
        here = docs.pathlib.Path(__file__).parent
        for name in ("style.css", "site.js", "icon.svg"):
            shutil.copy(here / name, assets / name)
        text = json.dumps(self.index, ensure_ascii=False, separators=(",", ":"))
        (assets / "search.js").write_text(f"window.searchIndex={text};\n")
