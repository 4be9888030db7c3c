extension CorpusDocument {
    /// Scalars that parsers read in different ways. Here each keeps its text: the type decides (``CorpusValueTests``).
    static let scalars: [CorpusDocument] = [
        CorpusDocument(
            "on, off, yes, no", "a: on\nb: Off\nc: yes\nd: NO\non: x\n", .read("{a: on, b: Off, c: yes, d: NO, on: x}")),
        CorpusDocument("country code no", "a: [de, no, se]\n", .read("{a: [de, no, se]}")),
        CorpusDocument(
            "octal-looking numbers", "a: 0755\nb: 0o755\nc: 08\nd: 00\n", .read("{a: 0755, b: 0o755, c: 08, d: 00}")),
        CorpusDocument(
            "sexagesimal numbers", "a: 1:30\nb: 190:20:30\nc: '22:22'\n", .read("{a: 1:30, b: 190:20:30, c: \"22:22\"}")
        ),
        CorpusDocument("versions", "a: 1.0\nb: 1.10\nc: 1.2.3\nd: v1\n", .read("{a: 1.0, b: 1.10, c: 1.2.3, d: v1}")),
        CorpusDocument(
            "dates", "a: 2024-01-01\nb: 2024-01-01T00:00:00Z\n", .read("{a: 2024-01-01, b: 2024-01-01T00:00:00Z}")),
        CorpusDocument(
            "nulls", "a: ~\nb: null\nc: Null\nd: NULL\ne:\nf: nUll\ng: 'null'\n",
            .read("{a: ~, b: ~, c: ~, d: ~, e: ~, f: nUll, g: \"null\"}")),
        CorpusDocument(
            "infinities and no number", "a: .inf\nb: -.INF\nc: .NaN\n", .read("{a: .inf, b: -.INF, c: .NaN}")),
        CorpusDocument(
            "limits of 64 bits", "a: 9223372036854775807\nb: -9223372036854775808\nc: 18446744073709551616\n",
            .read("{a: 9223372036854775807, b: -9223372036854775808, c: 18446744073709551616}")),
        CorpusDocument(
            "numbers with an underscore, an exponent, a plus", "a: 1_000\nb: 1e3\nc: +5\nd: 685_230.15\n",
            .read("{a: 1_000, b: 1e3, c: +5, d: 685_230.15}")),
        CorpusDocument(
            "hexadecimal and commit", "a: 0xFF\nb: 12e03\nc: 1234567\n", .read("{a: 0xFF, b: 12e03, c: 1234567}")),
        CorpusDocument("equals and merge signs as values", "a: =\nb: <<\n", .read("{a: =, b: <<}")),
    ]

    /// Anchors, aliases and merge keys.
    static let anchors: [CorpusDocument] = [
        CorpusDocument("alias of a scalar", "a: &x 1\nb: *x\n", .read("{a: 1, b: 1}")),
        CorpusDocument(
            "alias of a mapping and a sequence", "a: &x {b: 1}\nc: &y [1]\nd: [*x, *y]\n",
            .read("{a: {b: 1}, c: [1], d: [{b: 1}, [1]]}")),
        CorpusDocument("alias keeps the quotes", "a: &x '1'\nb: *x\n", .read("{a: \"1\", b: \"1\"}")),
        CorpusDocument("anchor of null", "a: &x\nb: *x\n", .read("{a: ~, b: ~}")),
        CorpusDocument(
            "anchor that is set again", "a: &x 1\nb: *x\nc: &x 2\nd: *x\n", .read("{a: 1, b: 1, c: 2, d: 2}")),
        CorpusDocument(
            "anchor on a line before its mapping", "a: &x\n  b: 1\nc: *x\n", .read("{a: {b: 1}, c: {b: 1}}")),
        CorpusDocument("anchor on a key, alias as a key", "&k a: 1\nb:\n  *k : 2\n", .read("{a: 1, b: {a: 2}}")),
        CorpusDocument(
            "anchor and tag", "a: &x !!str 1\nb: !!str &y 2\nc: [*x, *y]\n",
            .read("{a: \"1\", b: \"2\", c: [\"1\", \"2\"]}")),
        CorpusDocument(
            "merge key", "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n", .read("{a: {b: 1, c: 2}, d: {c: 3, b: 1}}")),
        CorpusDocument(
            "merge key of two, the first wins", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne:\n  <<: [*x, *y]\n",
            .read("{a: {b: 1}, c: {b: 2, d: 3}, e: {b: 1, d: 3}}")),
        CorpusDocument(
            "merge key of a mapping with one", "a: &x {b: 1}\nc: &y\n  <<: *x\n  d: 2\ne: {<<: *y}\n",
            .read("{a: {b: 1}, c: {d: 2, b: 1}, e: {d: 2, b: 1}}")),
        CorpusDocument(
            "merge key does not join nested mappings", "a: &x {b: {c: 1}}\nd:\n  <<: *x\n  b: {e: 2}\n",
            .read("{a: {b: {c: 1}}, d: {b: {e: 2}}}")),
        CorpusDocument("merge key in quotes is a key", "a: {\"<<\": 1}\n", .read("{a: {<<: 1}}")),
        CorpusDocument(
            "section of anchors", "x-defaults: &d\n  timeout: 5s\na: {<<: *d}\nb: {<<: *d, timeout: 1s}\n",
            .read("{x-defaults: {timeout: 5s}, a: {timeout: 5s}, b: {timeout: 1s}}")),
    ]
}
