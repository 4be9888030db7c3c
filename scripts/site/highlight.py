"""Colours of code, as spans of HTML. A language that is not known here stays as it is."""

import html
import re

_SWIFT = (
    "actor any as associatedtype async await borrowing break case catch class consuming continue default defer deinit do else "
    "enum extension fallthrough false fileprivate final for func get guard if import in indirect init inout internal is isolated "
    "lazy let mutating nil nonisolated open operator override package private protocol public repeat required rethrows return "
    "self sending set some static struct subscript super switch throw throws true try typealias unowned var weak where while"
)
_PROTO = (
    "syntax package import option message enum service rpc returns stream repeated optional oneof map reserved "
    "string bytes bool int32 int64 uint32 uint64 double float true false"
)
_JS = "async await class const else export for from function if import in let new null of return this throw true try catch false var"
_SHELL = "if then else fi for do done while in case esac function export cd"


def _words(names):
    return r"\b(?:" + "|".join(names.split()) + r")\b"


_STRING = r'"(?:\\.|[^"\\\n])*"'
_NUMBER = r"\b\d[\d_]*(?:\.\d+)?\b"
_RULES = {
    "swift": [
        ("comment", r"//[^\n]*|/\*.*?\*/"),
        ("string", r'#?""".*?"""#?|#"[^\n]*?"#|' + _STRING),
        ("attribute", r"[@#]\w+"),
        ("keyword", _words(_SWIFT)),
        ("type", r"\b[A-Z]\w*"),
        ("number", _NUMBER),
    ],
    "proto": [
        ("comment", r"//[^\n]*"),
        ("string", _STRING),
        ("keyword", _words(_PROTO)),
        ("type", r"\b[A-Z]\w*"),
        ("number", _NUMBER),
    ],
    "js": [
        ("comment", r"//[^\n]*"),
        ("string", r"`[^`]*`|'[^'\n]*'|" + _STRING),
        ("keyword", _words(_JS)),
        ("type", r"\b[A-Z]\w*"),
        ("number", _NUMBER),
    ],
    "json": [
        ("key", r'"(?:\\.|[^"\\])*"(?=\s*:)'),
        ("string", _STRING),
        ("keyword", r"\b(?:true|false|null)\b"),
        ("number", r"-?" + _NUMBER),
    ],
    "yaml": [
        ("comment", r"(?<![^\s])#[^\n]*"),
        ("string", r"'[^'\n]*'|" + _STRING),
        ("key", r"[\w./*-]+(?=:(?:\s|$))"),
        ("keyword", r"\b(?:true|false|null)\b"),
        ("number", r"(?<![\w.:/-])\d[\w.]*\b"),
    ],
    "sh": [
        ("comment", r"(?<![^\s])#[^\n]*"),
        ("string", r"'[^']*'|" + _STRING),
        ("keyword", r"(?:^|(?<=[;|&] ))" + _words(_SHELL)),
        ("attribute", r"(?<!\S)--?[A-Za-z][\w-]*"),
    ],
}
_ALIASES = {"bash": "sh", "shell": "sh", "javascript": "js", "protobuf": "proto", "yml": "yaml"}


def highlight(code, language):
    language = _ALIASES.get(language, language)
    if language == "console":
        return "\n".join(_console(line) for line in code.split("\n"))
    rules = _RULES.get(language)
    if rules is None:
        return html.escape(code, quote=False)
    pattern = re.compile("|".join(f"(?P<{name}>{rule})" for name, rule in rules), re.DOTALL | re.MULTILINE)
    result, end = [], 0
    for match in pattern.finditer(code):
        result.append(html.escape(code[end : match.start()], quote=False))
        result.append(f'<span class="c-{match.lastgroup}">{html.escape(match.group(), quote=False)}</span>')
        end = match.end()
    return "".join(result) + html.escape(code[end:], quote=False)


def _console(line):
    """A line of a session: what is typed stands out from its output."""
    if line.startswith(("$ ", "> ")):
        return f'<span class="c-prompt">{html.escape(line[:2])}</span><b>{html.escape(line[2:], quote=False)}</b>'
    return html.escape(line, quote=False)
