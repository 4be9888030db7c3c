extension CorpusDocument {
    /// Documents with a mistake.
    static let broken: [CorpusDocument] = [
        CorpusDocument(
            "duplicate key", "a: 1\nb: 2\na: 3\n", .refused(at: "3:1", "duplicate key; it is first set on line 1")),
        CorpusDocument(
            "duplicate key in other quotes", "a: 1\n\"a\": 2\n",
            .refused(at: "2:1", "duplicate key; it is first set on line 1")),
        CorpusDocument(
            "duplicate key in flow style", "x: {a: 1, b: 2, a: 3}\n",
            .refused(at: "1:17", "duplicate key; it is first set on line 1")),
        CorpusDocument("duplicate key by an alias", "&k a: 1\n*k : 2\n", .refused(at: "2:1", "duplicate key")),
        CorpusDocument(
            "duplicate key with another accent", "\u{E9}: 1\ne\u{301}: 2\n", .refused(at: "2:1", "duplicate key")),
        CorpusDocument(
            "two merge keys", "a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", .refused(at: "4:3", "only one merge key")),
        CorpusDocument("merge key of a scalar", "a:\n  <<: x\n", .refused(at: "2:7", "must be a mapping")),
        CorpusDocument("alias without an anchor", "a: *x\n", .refused(at: "1:4", "the alias has no anchor")),
        CorpusDocument(
            "alias before its anchor", "a: *x\nb: &x 1\n", .refused(at: "1:4", "the alias has no anchor")),
        CorpusDocument("alias to itself", "a: &x [1, *x]\n", .refused(at: "1:11", "the alias has no anchor")),
        CorpusDocument("alias with an anchor", "a: &x 1\nb: &y *x\n", .refused(at: "2:7", "did not find expected")),
        CorpusDocument(
            "glob as a value", "a: *.txt\n", .refused(at: "1:5", "if it is meant as text, put it in quotes")),
        CorpusDocument("two anchors", "a: &x &y 1\n", .refused(at: "1:7", "did not find expected")),
        CorpusDocument("two documents", "a: 1\n---\nb: 2\n", .refused(at: "2:1", "more than one YAML document")),
        CorpusDocument("two documents by their ends", "a: 1\n...\nb: 2\n", .refused(at: "3:1", "")),
        CorpusDocument("sequence as a root", "- a\n- b\n", .refused(at: "1:1", "the root must be a mapping")),
        CorpusDocument("text as a root", "just text\n", .refused(at: "1:1", "the root must be a mapping")),
        CorpusDocument("key and value of INI", "a = 1\nb = 2\n", .refused(at: "1:1", "the root must be a mapping")),
        CorpusDocument("no space after the colon", "a:1\n", .refused(at: "1:1", "the root must be a mapping")),
        CorpusDocument("two colons on a line", "a: b: c\n", .refused(at: "1:5", "mapping values are not allowed")),
        CorpusDocument(
            "mapping on the line of the start", "--- a: 1\n", .refused(at: "1:6", "mapping values are not allowed")),
        CorpusDocument("value and mapping", "a: 1\n  b: 2\n", .refused(at: "2:4", "mapping values are not allowed")),
        CorpusDocument(
            "less indentation than before", "a:\n    b: 1\n  c: 2\n", .refused(at: "3:3", "did not find expected")),
        CorpusDocument(
            "more indentation than before", "a:\n  b: 1\n    c: 2\n",
            .refused(at: "3:6", "mapping values are not allowed")),
        CorpusDocument(
            "sequence and mapping together", "a:\n  - 1\n  b: 2\n",
            .refused(at: "3:3", "did not find expected '-' indicator")),
        CorpusDocument("mapping and sequence together", "a: 1\n- b\n", .refused(at: "2:1", "did not find expected")),
        CorpusDocument(
            "sequence on the line of its key", "a: - 1\n", .refused(at: "1:4", "block sequence entries are not allowed")
        ),
        CorpusDocument("open sequence", "a: [1, 2\n", .refused(at: "2:1", "did not find expected ',' or ']'")),
        CorpusDocument("open mapping", "a: {b: 1\n", .refused(at: "2:1", "did not find expected ',' or '}'")),
        CorpusDocument("closed twice", "a: [1]]\n", .refused(at: "1:7", "did not find expected")),
        CorpusDocument("wrong bracket", "a: [1}\n", .refused(at: "1:6", "did not find expected ',' or ']'")),
        CorpusDocument(
            "comma without an element", "a: [1, , 2]\n", .refused(at: "1:8", "did not find expected node content")),
        CorpusDocument("open quotes", "a: 'x\nb: 1\n", .refused(at: "3:1", "found unexpected end of stream")),
        CorpusDocument("open double quotes", "a: \"x\n", .refused(at: "2:1", "found unexpected end of stream")),
        CorpusDocument("text after quotes", "a: 'x' y\n", .refused(at: "1:8", "did not find expected")),
        CorpusDocument(
            "path of Windows in double quotes", #"a: "C:\Users""#, .refused(at: "1:9", "put it in single quotes")),
        CorpusDocument("unknown escape", #"a: "x\d""#, .refused(at: "1:6", "put it in single quotes")),
        CorpusDocument(
            "surrogate pair of JSON", #"a: "\uD83D\uDE00""#,
            .refused(at: "1:7", "invalid Unicode character escape code")),
        CorpusDocument(
            "value that begins with an at sign", "a: @x\n",
            .refused(at: "1:4", "if it is meant as text, put it in quotes")),
        CorpusDocument(
            "value that begins with a backtick", "a: `x`\n",
            .refused(at: "1:4", "if it is meant as text, put it in quotes")),
        CorpusDocument(
            "value that begins with a percent sign", "a: %x\n",
            .refused(at: "1:4", "if it is meant as text, put it in quotes")),
        CorpusDocument(
            "template that is not filled in", "a: {{ .Values.a }}\n", .refused(at: "1:5", "a key must be a scalar")),
        CorpusDocument(
            "conflict of a merge", "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n",
            .refused(at: "2:2", "mapping values are not allowed")),
        CorpusDocument(
            "block with less indentation", "a: |\n   x\n  y\n", .refused(at: "3:3", "did not find expected")),
        CorpusDocument(
            "block with a wrong indentation", "a: |0\n  x\n",
            .refused(at: "1:5", "found an indentation indicator equal to 0")),
        CorpusDocument(
            "text on the first line of a block", "a: | x\n  y\n",
            .refused(at: "1:6", "did not find expected comment or line break")),
        CorpusDocument("sequence as a key", "? [a]\n: 1\n", .refused(at: "1:3", "a key must be a scalar")),
        CorpusDocument("no key", ": 1\n", .refused(at: "1:1", "did not find expected key")),
        CorpusDocument("unknown tag", "a: !env HOME\n", .refused(at: "1:4", "the tag is unknown")),
        CorpusDocument(
            "tag for another language", "a: !!python/object:os.system x\n", .refused(at: "1:4", "is unknown")),
        CorpusDocument("binary", "a: !!binary aGk=\n", .refused(at: "1:4", "is unknown")),
        CorpusDocument("set", "a: !!set {b}\n", .refused(at: "1:4", "is unknown or does not fit")),
        CorpusDocument("tag without its handle", "a: !x!y 1\n", .refused(at: "1:4", "found undefined tag handle")),
        CorpusDocument(
            "version of the future", "%YAML 3.0\n---\na: 1\n", .refused(at: "1:1", "found incompatible YAML document")),
        CorpusDocument(
            "version twice", "%YAML 1.2\n%YAML 1.2\n---\na: 1\n", .refused(at: "2:1", "found duplicate %YAML directive")
        ),
        CorpusDocument(
            "key of 2,000 characters", String(repeating: "k", count: 2000) + ": 1",
            .refused(at: "1:2001", "mapping values are not allowed")),
        CorpusDocument(
            "number too long for its tag", "a: !!int 1\(String(repeating: "0", count: 60))\n",
            .refused(at: "1:4", "does not fit")),
    ]
}
