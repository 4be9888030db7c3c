"""The Markdown documents of the repository, and where they stand in the site."""

import os
import pathlib
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from markdown import Renderer

# Documents beside docs/, with their places in the site.
OTHERS = {
    "README.md": "about/readme.html",
    "README.zh.md": "about/readme-zh.html",
    "Examples/README.md": "about/examples.html",
    "Benchmarks/README.md": "about/benchmarks.html",
    "CONTRIBUTING.md": "about/contributing.html",
    "CHANGELOG.md": "about/changelog.html",
    "SECURITY.md": "about/security.html",
}
# What the navigation calls documents that have the same title.
LABELS = {"README.md": "Read me", "README.zh.md": "自述（中文）"}
# The titles of the sections by their directories; another directory has the title of its README.
TITLES = {"guide": "Guide", "handbook": "Handbook", "": "References", "zh": "中文指南", "about": "The project"}
ORDER = ["guide", "handbook", "", "api", "zh", "about"]


class DocumentMistake(Exception):
    pass


@dataclass
class Section:
    key: str
    title: str
    documents: list = field(default_factory=list)


def find(root):
    """The documents by their paths in the repository, with their addresses in the site."""
    found = {}
    for path in sorted((root / "docs").rglob("*.md")):
        inside = path.relative_to(root / "docs")
        address = inside.with_name("index.html") if inside.name == "README.md" else inside.with_suffix(".html")
        if str(address) == "index.html":
            address = pathlib.Path("documents.html")
        found[str(path.relative_to(root))] = str(address)
    found.update({path: address for path, address in OTHERS.items() if (root / path).is_file()})
    return found


def sections(root, documents):
    """The documents in their sections, in the order in which the README of a directory names them."""
    by_key = {}
    for path, address in documents.items():
        key = "about" if path in OTHERS else str(pathlib.PurePosixPath(path).parent.relative_to("docs"))
        key = "" if key == "." else key
        by_key.setdefault(key, []).append(path)
    result = []
    for key, paths in by_key.items():
        readme = next((p for p in paths if p.endswith("README.md") and p not in OTHERS), None)
        order = []
        if readme:
            order = [readme] + [
                os.path.normpath(os.path.join(os.path.dirname(readme), unquote(target.split("#")[0])))
                for target in re.findall(r"\]\(([^)\s]+\.md)[^)]*\)", (root / readme).read_text())
            ]
        elif key == "about":
            order = list(OTHERS)
        paths.sort(key=lambda p: (order.index(p) if p in order else len(order), p))
        title = TITLES.get(key)
        if title is None:
            title = Renderer().render((root / (readme or paths[0])).read_text()).title
        result.append(Section(key, title, paths))
    position = {key: i for i, key in enumerate(ORDER)}
    return sorted(result, key=lambda s: (position.get(s.key, position.get(s.key.split("/")[0], 2) + 0.5), s.key))


class Resolver:
    """Where the links of a document lead in the site. Linked files of the repository get pages, and pictures are copied."""

    def __init__(self, root, documents, is_kept):
        self.root = root
        self.documents = documents
        # Whether git has a file: what is built is not a part of the repository.
        self.is_kept = is_kept
        self.sources = set()
        self.pictures = set()

    def address(self, document, target, is_picture):
        """The address, from the site's root, or the target itself if it leads out of the repository."""
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            return target
        if not parts.path:
            return self.documents[document] + "#" + parts.fragment
        path = os.path.normpath(os.path.join(os.path.dirname(document), unquote(parts.path)))
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        if path in self.documents:
            return self.documents[path] + fragment
        if f"{path}/README.md" in self.documents:
            return self.documents[f"{path}/README.md"] + fragment
        if module := re.fullmatch(r"Sources/(\w+)(/Documentation\.docc(/\1\.md)?)?", path):
            if (self.root / "Sources" / module[1] / "Documentation.docc").is_dir():
                return f"api/{module[1].lower()}/index.html"
        if is_picture:
            if not (self.root / path).is_file():
                raise DocumentMistake(f"{document}: the picture {target} does not exist")
            self.pictures.add(path)
            return picture_address(path)
        if not self.is_kept(path):
            raise DocumentMistake(f"{document}: {target} leads to no file of the repository")
        self.sources.add(path)
        return source_address(self.root, path)


def picture_address(path):
    return path.removeprefix("docs/")


def source_address(root, path):
    inside = f"source/{path}"
    return f"{inside}/index.html" if (root / path).is_dir() else f"{inside}.html"
