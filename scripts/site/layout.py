"""The frame around every page: header, navigation, contents, and the way to the pages before and after."""

import html
import os
from urllib.parse import quote


def relative(page, address):
    """An address of the site as the page links to it."""
    if "://" in address:
        return address
    target, mark, fragment = address.partition("#")
    if target == page and mark:
        return "#" + fragment
    return quote(os.path.relpath(target, os.path.dirname(page) or "."), safe="/()_:,+~*=!") + mark + fragment


def frame(page, title, body, site, *, navigation="", contents=(), steps=(None, None), language="en", kind="text"):
    """A whole page. `contents` has level, text and anchor of its headings; `steps` the pages before and after."""

    def link(address):
        return html.escape(relative(page, address))

    places = "".join(f'<a href="{link(address)}">{html.escape(text)}</a>' for text, address in site["places"])
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f'<link rel="icon" href="{link("assets/icon.svg")}" type="image/svg+xml">',
        f'<link rel="stylesheet" href="{link("assets/style.css")}">',
        # Before the page is drawn, so that it does not flash in the other colours.
        "<script>try{var t=localStorage.getItem('theme');if(t)document.documentElement.dataset.theme=t}catch(e){}</script>",
        f'<script defer src="{link("assets/site.js")}" data-root="{html.escape(os.path.relpath(".", os.path.dirname(page) or "."))}"></script>',
        f'</head>\n<body class="{kind}">\n<a class="skip" href="#content">Skip to the text</a>',
        '<header class="top">',
        '<button class="menu" type="button" aria-label="Menu" aria-expanded="false">☰</button>' if navigation else "",
        f'<a class="brand" href="{link("index.html")}"><img src="{link("assets/icon.svg")}" alt="" width="22" height="22">'
        f'ServiceKit</a><span class="version">{html.escape(site["version"])}</span>',
        f'<nav class="places" aria-label="Sections">{places}</nav>',
        '<div class="search"><input type="search" placeholder="Search" aria-label="Search" autocomplete="off" spellcheck="false">'
        '<kbd>/</kbd><div class="results" hidden></div></div>',
        '<button class="theme" type="button" aria-label="Light or dark" title="Light or dark">◐</button>',
        "</header>",
        '<div class="columns">',
        f'<nav class="side" aria-label="Pages"><p class="places">{places}</p>{navigation}</nav>' if navigation else "",
        f'<main id="content">{body}{_steps(link, steps)}</main>',
        _contents(contents, "本页内容" if language.startswith("zh") else "On this page"),
        "</div>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _steps(link, steps):
    before, after = steps
    if not before and not after:
        return ""
    out = ['<nav class="steps" aria-label="Next and previous page">']
    out.append(f'<a rel="prev" href="{link(before[1])}"><span>←</span> {html.escape(before[0])}</a>' if before else "<span></span>")
    if after:
        out.append(f'<a rel="next" href="{link(after[1])}">{html.escape(after[0])} <span>→</span></a>')
    return "".join(out) + "</nav>"


def _contents(contents, title):
    entries = [(level, text, anchor) for level, text, anchor in contents if level in (2, 3)]
    if len(entries) < 2:
        return '<aside class="contents"></aside>'
    items = "".join(
        f'<li class="l{level}"><a href="#{quote(anchor)}">{html.escape(text)}</a></li>' for level, text, anchor in entries
    )
    return f'<aside class="contents"><p>{title}</p><ul>{items}</ul></aside>'
