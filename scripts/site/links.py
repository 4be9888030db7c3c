"""The links of a built site: each leads to a file and an anchor that exist."""

import os
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []
        self.anchors = set()
        self.repeated = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                if value in self.anchors:
                    self.repeated.append(value)
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def dead_links(site):
    """The links that lead nowhere, and the ids that occur twice, as lines."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        page = _Page()
        page.feed(path.read_text())
        pages[path] = page
    found = []
    for path, page in pages.items():
        place = path.relative_to(site)
        found += [f"{place}: the id {anchor} occurs twice" for anchor in page.repeated]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path
            if parts.path:
                # Not by the directories of the disk: `..` beyond the site's root is a mistake too.
                target = site / os.path.normpath(os.path.join(place.parent, unquote(parts.path)))
            if target.is_dir() or not target.exists() or site not in target.parents:
                found.append(f"{place}: {link} leads to no file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{place}: {link} leads to no such place in the page")
    return found
