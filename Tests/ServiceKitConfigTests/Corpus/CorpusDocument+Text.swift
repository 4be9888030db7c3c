extension CorpusDocument {
    /// Texts: plain, in quotes, in blocks, over several lines.
    static let text: [CorpusDocument] = [
        CorpusDocument(
            "plain text over several lines", "a: one\n  two\n\n  three\nb: 1\n", .read("{a: one two\nthree, b: 1}")),
        CorpusDocument("spaces around plain text", "a:    x  y   \n", .read("{a: x  y}")),
        CorpusDocument("single quotes", "a: 'it''s'\nb: ''\nc: '\\n'\n", .read(#"{a: "it\'s", b: "", c: "\\n"}"#)),
        CorpusDocument("double quotes", #"a: "x\ty\\z\"\/""# + "\n", .read(#"{a: "x\ty\\z\"/"}"#)),
        CorpusDocument("escapes by number", #"a: "\x41\u00e9\U0001F600""#, .read("{a: \"A\u{E9}\u{1F600}\"}")),
        CorpusDocument(
            "escapes of YAML alone", #"a: "\e\a\0\_\N""#,
            .read("{a: \(String("\u{1B}\u{7}\0\u{A0}\u{85}").debugDescription)}")),
        CorpusDocument(
            "quotes over several lines", "a: 'one\n  two\n\n  three'\nb: \"four\n  five\"\n",
            .read(#"{a: "one two\nthree", b: "four five"}"#)),
        CorpusDocument("escaped line break", "a: \"one \\\n  two\"\n", .read(#"{a: "one two"}"#)),
        CorpusDocument("quotes keep their spaces", "a: '  x  '\nb: \" y \"\n", .read(#"{a: "  x  ", b: " y "}"#)),
        CorpusDocument(
            "literal block", "a: |\n  one\n    two\n\n  three\nb: 1\n", .read(#"{a: "one\n  two\n\nthree\n", b: 1}"#)),
        CorpusDocument("folded block", "a: >\n  one\n  two\n\n  three\n", .read(#"{a: "one two\nthree\n"}"#)),
        CorpusDocument(
            "folded block with an indented part", "a: >\n  one\n    two\n  three\n",
            .read(#"{a: "one\n  two\nthree\n"}"#)),
        CorpusDocument(
            "block without its last line break", "a: |-\n  one\nb: >-\n  two\n", .read(#"{a: "one", b: "two"}"#)),
        CorpusDocument("block with all line breaks", "a: |+\n  one\n\n\nb: 1\n", .read(#"{a: "one\n\n\n", b: 1}"#)),
        CorpusDocument(
            "block with a given indentation", "a: |2\n    one\n  two\nb: |1-\n  x\n",
            .read(#"{a: "  one\ntwo\n", b: " x"}"#)),
        CorpusDocument("empty block", "a: |\nb: >-\nc: 1\n", .read(#"{a: "", b: "", c: 1}"#)),
        CorpusDocument("block at the end without a line break", "a: |\n  one", .read(#"{a: "one"}"#)),
        CorpusDocument("block with a comment in its first line", "a: | # why\n  one\n", .read(#"{a: "one\n"}"#)),
        CorpusDocument(
            "hash and colon in a block", "a: |\n  # no comment\n  b: 1\n  - c\n",
            .read(##"{a: "# no comment\nb: 1\n- c\n"}"##)),
        CorpusDocument(
            "blocks in a sequence", "a:\n  - |\n    x\n  - >-\n    y\n    z\n", .read(#"{a: ["x\n", "y z"]}"#)),
        CorpusDocument("tab in a block", "a: |\n  x\ty\n  \tz\n", .read(#"{a: "x\ty\n\tz\n"}"#)),
        CorpusDocument(
            "certificate in a block", "a: |\n  -----BEGIN CERTIFICATE-----\n  TUlJ+/==\n  -----END CERTIFICATE-----\n",
            .read(#"{a: "-----BEGIN CERTIFICATE-----\nTUlJ+/==\n-----END CERTIFICATE-----\n"}"#)),
        CorpusDocument("placeholder signs that are none", "a: $x\nb: 5$\nc: $\n", .read("{a: $x, b: 5$, c: $}")),
        CorpusDocument("emoji", "a: 😀 👩‍👩‍👧\n🚀: '🇪🇺'\n", .read("{a: 😀 👩‍👩‍👧, 🚀: \"🇪🇺\"}")),
        CorpusDocument(
            "letters of many scripts", "ключ: значение\nキー: 値\na: עברית\n", .read("{ключ: значение, キー: 値, a: עברית}")),
        CorpusDocument(
            "text of 500,000 characters", "a: " + String(repeating: "x", count: 500_000),
            .read("{a: \(String(repeating: "x", count: 500_000))}")),
        CorpusDocument(
            "quoted text of 500,000 characters", "a: \"" + String(repeating: "é", count: 500_000) + "\"",
            .read("{a: \"\(String(repeating: "é", count: 500_000))\"}")),
        CorpusDocument(
            "block of 50,000 lines", "a: |\n" + String(repeating: "  x\n", count: 50_000),
            .read("{a: \"\(String(repeating: "x\\n", count: 50_000))\"}")),
        CorpusDocument(
            "key of 1,000 characters", String(repeating: "k", count: 1000) + ": 1",
            .read("{\(String(repeating: "k", count: 1000)): 1}")),
    ]
}
