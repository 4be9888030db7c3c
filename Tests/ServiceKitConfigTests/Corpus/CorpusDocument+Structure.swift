extension CorpusDocument {
    /// Mappings and sequences, in blocks and in flow style; documents and comments.
    static let structure: [CorpusDocument] = [
        CorpusDocument("block mapping", "a: 1\nb: x y\n", .read("{a: 1, b: x y}")),
        CorpusDocument("no line break at the end", "a: 1", .read("{a: 1}")),
        CorpusDocument("nested mappings", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n", .read("{a: {b: {c: 1}, d: 2}, e: 3}")),
        CorpusDocument("sequence below its key", "a:\n  - 1\n  - 2\n", .read("{a: [1, 2]}")),
        CorpusDocument("sequence at the column of its key", "a:\n- 1\n- 2\nb: 3\n", .read("{a: [1, 2], b: 3}")),
        CorpusDocument(
            "mappings in a sequence", "a:\n  - b: 1\n    c: 2\n  - b: 3\n", .read("{a: [{b: 1, c: 2}, {b: 3}]}")),
        CorpusDocument("dash on a line of its own", "a:\n  -\n    b: 1\n  -\n    - 2\n", .read("{a: [{b: 1}, [2]]}")),
        CorpusDocument("sequences in a sequence", "a:\n  - - 1\n    - 2\n  - - 3\n", .read("{a: [[1, 2], [3]]}")),
        CorpusDocument(
            "indentation of one and of seven", "a:\n b: 1\nc:\n       d: 2\n", .read("{a: {b: 1}, c: {d: 2}}")),
        CorpusDocument(
            "values that are left out", "a:\nb:\n  - \n  - 1\nc: {d: , e}\n",
            .read("{a: ~, b: [~, 1], c: {d: ~, e: ~}}")),
        CorpusDocument("flow mapping and sequence", "a: {b: 1, c: [x, y]}\n", .read("{a: {b: 1, c: [x, y]}}")),
        CorpusDocument("empty collections", "a: {}\nb: []\nc: [[], {}]\n", .read("{a: {}, b: [], c: [[], {}]}")),
        CorpusDocument("trailing commas", "a: [1, 2, ]\nb: {c: 1, }\n", .read("{a: [1, 2], b: {c: 1}}")),
        CorpusDocument(
            "flow over several lines", "a: [\n  1,\n  2\n  ]\nb: {\n  c: 1,\n  d: 2 }\n",
            .read("{a: [1, 2], b: {c: 1, d: 2}}")),
        CorpusDocument("pairs in a flow sequence", "a: [b: 1, c: 2]\n", .read("{a: [{b: 1}, {c: 2}]}")),
        CorpusDocument(
            "JSON", "{\"a\": {\"b\": [1, 2.5, true, null, \"x\"]}}\n", .read("{a: {b: [1, 2.5, true, ~, \"x\"]}}")),
        CorpusDocument(
            "JSON without spaces", "{\"a\":{\"b\":[1,\"x\"],\"c\":-1}}", .read("{a: {b: [1, \"x\"], c: -1}}")),
        CorpusDocument("no space after a colon makes one key", "a: {b:1}\n", .read("{a: {b:1: ~}}")),
        CorpusDocument("explicit key and value", "? a\n: 1\n? b\n", .read("{a: 1, b: ~}")),
        CorpusDocument("keys in quotes", "\"a b\": 1\n'c: d': 2\n", .read("{a b: 1, c: d: 2}")),
        CorpusDocument(
            "keys with signs and spaces", "a-b_c: 1\nx y: 2\n/p/q: 3\n-z: 4\n?q: 5\n:r: 6\n",
            .read("{a-b_c: 1, x y: 2, /p/q: 3, -z: 4, ?q: 5, :r: 6}")),
        CorpusDocument("numbers and booleans as keys", "1: a\ntrue: b\n1.5: c\n", .read("{1: a, true: b, 1.5: c}")),
        CorpusDocument("spaces around the colon of a key", "a : 1\n\"b\"   :   2\n", .read("{a: 1, b: 2}")),
        CorpusDocument(
            "comments", "# first\na: 1 # after\n  # indented\nb: # before a value\n  2\n# last", .read("{a: 1, b: 2}")),
        CorpusDocument(
            "a hash that begins no comment", "a: x#y\nb: '# z'\nc: http://h/#f\n",
            .read("{a: x#y, b: \"# z\", c: http://h/#f}")),
        CorpusDocument("comments in a sequence", "a:\n# one\n- 1\n  # two\n- 2\n", .read("{a: [1, 2]}")),
        CorpusDocument("comment in a flow sequence", "a: [ # one\n  1, # two\n  2 ]\n", .read("{a: [1, 2]}")),
        CorpusDocument("blank lines", "\n\na: 1\n\n   \nb:\n\n  c: 2\n\n", .read("{a: 1, b: {c: 2}}")),
        CorpusDocument("nothing but a comment", "# nothing\n", .read("{}")),
        CorpusDocument("start of a document", "---\na: 1\n", .read("{a: 1}")),
        CorpusDocument("start and end of a document", "---\na: 1\n...\n", .read("{a: 1}")),
        CorpusDocument("comment after the end of a document", "a: 1\n...\n# bye\n", .read("{a: 1}")),
        CorpusDocument("flow on the line of the start", "--- {a: 1}\n", .read("{a: 1}")),
        CorpusDocument("three dashes in a value", "a: ---\nb: x---y\n", .read("{a: ---, b: x---y}")),
        CorpusDocument("versions 1.1 and 1.2", "%YAML 1.2\n---\na: 1\n", .read("{a: 1}")),
        CorpusDocument(
            "tag of YAML by its handle", "%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 5\n", .read("{a: \"5\"}")),
        CorpusDocument("tag of YAML in full", "a: !<tag:yaml.org,2002:str> 5\n", .read("{a: \"5\"}")),
        CorpusDocument("tags on collections", "a: !!map\n  b: !!seq\n  - 1\n", .read("{a: {b: [1]}}")),
        CorpusDocument(
            "text by its tag", "a: !!str\nb: !!str null\nc: !!str 1.0\n", .read("{a: \"\", b: \"null\", c: \"1.0\"}")),
        CorpusDocument("empty document", "", .read("{}")),
        CorpusDocument(
            "colons in values", "a: b:c\nb: ::x\nc: 12:30:45\nd: x::1\n",
            .read("{a: b:c, b: ::x, c: 12:30:45, d: x::1}")),
        CorpusDocument(
            "address in a flow sequence", "a: [http://h:80/p?q=1, 0.0.0.0:9000]\n",
            .read("{a: [http://h:80/p?q=1, 0.0.0.0:9000]}")),
        CorpusDocument(
            "indicators inside of a value", "a: x,y\nb: x]y}\nc: x & y * z!\nd: 50%\ne: a|b>c\n",
            .read("{a: x,y, b: x]y}, c: x & y * z!, d: 50%, e: a|b>c}")),
        CorpusDocument("dash and question mark before a letter", "a: -x\nb: ?x\n", .read("{a: -x, b: ?x}")),
    ]
}
