"""The first page."""

import html
import re
import textwrap

from markdown import code_block

_FEATURES = [
    ("Found by name", "Instances register themselves and stay registered. Clients name a service and follow its instances; the "
     "registry is a plugin that one line of the configuration picks.", "guide/index.html"),
    ("No call is lost", "An instance that stops is taken out of traffic first, and drains. One that dies is left out at once.",
     "guide/6-the-life-of-an-instance.html"),
    ("Balanced", "Power of two choices, weighted, least request, Prequal, consistent hashing; zones, lanes, subsets, ejection.",
     "api/servicekit/index.html#Balancers"),
    ("Guarded", "Limits, breakers, retries, deadlines, faults on purpose, identity and authorisation, in one chain of middleware.",
     "handbook/middleware-and-governance.html"),
    ("One port", "gRPC, gRPC-Web, Connect, REST, WebSocket and server-sent events for the same handlers.",
     "handbook/http.html"),
    ("Configured", "YAML with file, line and column in every error; live changes from files and etcd; a reference of every option.",
     "handbook/configuration.html"),
]


def landing(root, reference, places):
    """The body of the page. Its code is that of the example hello."""
    service = excerpt(root / "Examples/Sources/hello/Hello.swift", r"^@main.*?^}")
    client = excerpt(root / "Examples/Sources/hello-client/HelloClient.swift", r"^ *let channel.*?^        }")
    cards = "".join(
        f'<a class="card" href="{target(reference, address)}"><h3>{html.escape(title)}</h3><p>{html.escape(text)}</p></a>'
        for title, text, address in _FEATURES
    )
    names = {text: address for text, address in places}
    ways = "".join(
        f'<a class="{style}" href="{names[name]}">{label}</a>'
        for name, label, style in [("Guide", "Read the guide", "button strong"), ("Handbook", "Handbook", "button"),
                                   ("API", "API", "button"), ("中文", "中文", "button")]
        if name in names
    )
    modules = "".join(
        f'<dt><a href="{reference.address(module.path)}"><code>{module.title}</code></a></dt>'
        f"<dd>{html.escape(reference.abstract_text(module))}</dd>"
        for module in sorted(reference.modules, key=lambda m: (m.title != "ServiceKit", m.title))
    )
    return f"""
<section class="hero">
<div>
<h1>Services in Swift that find each other</h1>
<p class="lead">ServiceKit runs gRPC and HTTP services: it starts them, registers them, keeps them registered, and takes them out of
traffic without losing a call. Clients name a service, never an address.</p>
<p class="ways">{ways}</p>
<pre class="command"><code><span class="c-prompt">$ </span><b>make demo</b>   <span class="c-comment"># one instance dies, no call fails</span></code></pre>
</div>
<div class="samples"><p>A service</p>{service}<p>A client</p>{client}</div>
</section>
<section class="cards">{cards}</section>
<section class="prose"><h2>Modules</h2><dl class="symbols modules">{modules}</dl></section>
"""


def excerpt(path, pattern):
    """The part of a file that a pattern matches, without its indentation."""
    found = re.search(pattern, path.read_text(), re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"{path} no longer has the code of the first page")
    return code_block(textwrap.dedent(found[0]), "swift")


def target(reference, address):
    """An address whose anchor is left out if the page has none such."""
    page, mark, anchor = address.partition("#")
    if not mark:
        return page
    for node in reference.modules:
        if reference.address(node.path) == page:
            for section in node.data.get("primaryContentSections", []):
                if any(block.get("anchor") == anchor for block in section.get("content", [])):
                    return address
    return page
