import CServiceKitYAML

/// An event of libyaml's parser, in Swift's types.
struct YAMLEvent {
    /// A position in the document; both numbers count from 1, columns in characters.
    struct Mark {
        var line: Int
        var column: Int
    }

    enum Kind {
        case documentStart
        case alias(String)
        case scalar(ScalarEvent)
        case sequenceStart(NodeProperties)
        case mappingStart(NodeProperties)
        case collectionEnd
        /// The start or end of the stream, or the end of a document.
        case other
    }

    struct NodeProperties {
        var anchor: String?
        var tag: String?
    }

    struct ScalarEvent {
        var text: String
        var isPlain: Bool
        var properties: NodeProperties
    }

    var kind: Kind
    var mark: Mark
}

/// A document that libyaml cannot read.
struct YAMLSyntaxError: Error {
    var problem: String
    var mark: YAMLEvent.Mark
    /// libyaml's activity at that point, and the line on which it began.
    var context: (text: String, line: Int)?
    var advice: String?
}

/// Reads a document event by event. Owns libyaml's parser and its input, and frees both.
struct YAMLEventReader: ~Copyable {
    // Safe: `init` allocates both, this type alone uses them, and `deinit` frees them once. libyaml keeps pointers into
    // itself and into the input, so both need an address that does not change.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Takes a document in UTF-8. Fails when memory runs out.
    init?(_ bytes: [UInt8]) {
        // One byte more than needed: libyaml wants an address even for an empty input.
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count + 1)
        _ = input.initialize(fromContentsOf: bytes + [0])
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1, let start = input.baseAddress else {
            parser.deallocate()
            input.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, start, bytes.count)
        self.parser = parser
        self.input = input
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Returns the next event. Do not call it again after the end of the stream or an error.
    func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(kind: kind(of: event), mark: YAMLEvent.Mark(event.start_mark))
    }

    private func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            return .documentStart
        case YAML_ALIAS_EVENT:
            return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            // Safe: libyaml gives the number of bytes, and the event lives until `next` returns.
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                YAMLEvent.ScalarEvent(
                    text: String(decoding: bytes, as: UTF8.self),
                    isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                    properties: YAMLEvent.NodeProperties(anchor: text(scalar.anchor), tag: text(scalar.tag))
                )
            )
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(YAMLEvent.NodeProperties(anchor: text(start.anchor), tag: text(start.tag)))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(YAMLEvent.NodeProperties(anchor: text(start.anchor), tag: text(start.tag)))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return .collectionEnd
        default:
            return .other
        }
    }

    /// Copies a string of libyaml, which ends in a zero byte.
    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(decodingCString: $0, as: UTF8.self) }
    }

    private func syntaxError() -> YAMLSyntaxError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read as YAML"
        switch parser.pointee.error {
        case YAML_READER_ERROR:
            return readerError(problem)
        case YAML_MEMORY_ERROR:
            return YAMLSyntaxError(problem: "out of memory", mark: YAMLEvent.Mark(line: 1, column: 1))
        default:
            let mark = parser.pointee.problem_mark
            let contextLine = parser.pointee.context_mark.line + 1
            let context = parser.pointee.context.map { String(cString: $0) }
            return YAMLSyntaxError(
                problem: problem,
                mark: YAMLEvent.Mark(mark),
                context: context.map { ($0, contextLine) },
                advice: advice(for: problem, in: context ?? "", at: mark)
            )
        }
    }

    /// The remedy for a mistake that people make often.
    private func advice(for problem: String, in context: String, at mark: yaml_mark_t) -> String? {
        let character = character(at: mark)
        if character == UInt8(ascii: "\t") { return "use spaces instead of tabs" }
        let beginsWithSign = problem.contains("cannot start any token") && character.map("@`%".utf8.contains) == true
        if beginsWithSign || context.contains("scanning an alias") || context.contains("scanning an anchor") {
            return "if it is meant as text, put it in quotes"
        }
        if problem.hasPrefix("mapping values are not allowed") {
            return "check the indentation; a text with \": \" in it needs quotes"
        }
        if problem.hasPrefix("block sequence entries are not allowed") {
            return "begin the list on the next line, or write [a, b]"
        }
        if problem.hasPrefix("did not find expected ','"), character == UInt8(ascii: "{") {
            return "between brackets, put ${…} in quotes"
        }
        let isWrongEscape = problem.contains("unknown escape character") || problem.contains("hexdecimal number")
        return isWrongEscape ? "a backslash is written \\\\ there; or put it in single quotes" : nil
    }

    /// Creates the error for bytes that are not text.
    private func readerError(_ problem: String) -> YAMLSyntaxError {
        var offset = parser.pointee.problem_offset
        var problem = problem
        // libyaml points at the byte after the wrong one: a Latin-1 letter before an ASCII character.
        if problem.contains("trailing"), let lead = input.prefix(offset).lastIndex(where: { $0 >= 0xC0 }) {
            offset = lead
            problem += " after 0x\(String(input[lead], radix: 16, uppercase: true))"
        } else if problem.contains("leading"), input.indices.contains(offset) {
            problem += " 0x\(String(input[offset], radix: 16, uppercase: true))"
        }
        let isEncoding = problem.contains("UTF-8") || problem.contains("Unicode")
        return YAMLSyntaxError(
            problem: problem,
            mark: mark(ofByte: offset),
            advice: isEncoding ? "save it as UTF-8" : nil
        )
    }

    /// The position of a byte. libyaml gives no line for bytes that are not characters.
    private func mark(ofByte offset: Int) -> YAMLEvent.Mark {
        let lines = input.prefix(offset).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return YAMLEvent.Mark(line: lines.count, column: (lines.last?.count(where: Self.beginsCharacter) ?? 0) + 1)
    }

    /// The first byte of the character at a position of libyaml.
    private func character(at mark: yaml_mark_t) -> UInt8? {
        input.lazy.filter(Self.beginsCharacter).dropFirst(mark.index).first
    }

    private static func beginsCharacter(_ byte: UInt8) -> Bool { byte & 0b1100_0000 != 0b1000_0000 }
}

extension YAMLEvent.Mark {
    init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}
