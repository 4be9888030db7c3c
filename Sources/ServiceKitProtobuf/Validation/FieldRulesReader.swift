/// Reads a `buf.validate.FieldRules`, and notes what it does not understand.
struct FieldRulesReader {
    let field: FieldType
    let pool: DescriptorPool
    private(set) var ignored: [String] = []

    init(field: FieldType, pool: DescriptorPool) {
        self.field = field
        self.pool = pool
    }

    /// The names of the parts, by their numbers.
    private static let parts: [Int32: String] = [
        1: "float", 2: "double", 3: "int32", 4: "int64", 5: "uint32", 6: "uint64", 7: "sint32", 8: "sint64",
        9: "fixed32",
        10: "fixed64", 11: "sfixed32", 12: "sfixed64", 13: "bool", 14: "string", 15: "bytes", 16: "enum",
        18: "repeated",
        19: "map", 20: "any", 21: "duration", 22: "timestamp", 23: "cel", 25: "required", 27: "ignore",
        28: "field_mask",
    ]
    private static let stringRules: [Int32: String] = [
        1: "const", 4: "min_bytes", 5: "max_bytes", 7: "prefix", 8: "suffix", 9: "contains", 10: "in", 11: "not_in",
        12: "email", 13: "hostname", 14: "ip", 15: "ipv4", 16: "ipv6", 17: "uri", 18: "uri_ref", 20: "len_bytes",
        21: "address", 22: "uuid", 23: "not_contains",
    ]

    /// Reads the rules; `nil` if there is nothing to check.
    mutating func read(_ bytes: ArraySlice<UInt8>) -> FieldRules? {
        var rules = FieldRules(type: field)
        do {
            guard try read(bytes, into: &rules, isItem: false) else { return nil }
        } catch {
            ignored.append("rules that cannot be read")
            return nil
        }
        let isEmpty =
            !rules.isRequired && rules.minItems == nil && rules.maxItems == nil && rules.values.isEmpty
        return isEmpty ? nil : rules
    }

    /// - Returns: Whether the rules count: they may be there only to be ignored.
    private mutating func read(
        _ bytes: ArraySlice<UInt8>, into rules: inout FieldRules, isItem: Bool
    ) throws(DescriptorError) -> Bool {
        var reader = WireReader(bytes)
        var counts = true
        while !reader.isAtEnd {
            let (number, wire) = try reader.tag()
            switch (number, wire) {
            case (25, .varint):
                let isRequired = try reader.varint() != 0
                if !isItem { rules.isRequired = isRequired }
            case (27, .varint):
                switch try reader.varint() {
                case 0: break
                case 1 where !isItem: rules.ignoresZero = true
                case 3: counts = false
                case let other: ignored.append("ignore \(other)")
                }
            case (1...12, .delimited) where Self.parts[number] == numberType && (isItem || !field.isRepeated):
                try readNumber(try reader.delimited(), numberType ?? "", &rules)
            case (14, .delimited) where field.kind == .string && (isItem || !field.isRepeated):
                try readString(try reader.delimited(), &rules)
            case (16, .delimited) where isItem || !field.isRepeated:
                try readEnum(try reader.delimited(), &rules)
            case (18, .delimited) where field.isRepeated && !isItem:
                try readRepeated(try reader.delimited(), &rules)
            default:
                ignored.append(Self.parts[number] ?? "rule \(number)")
                try reader.skip(wire, number: number, depth: 10)
            }
        }
        return counts
    }

    /// The name of the rules of the field's numbers.
    private var numberType: String? {
        switch field.kind {
        case .float: "float"
        case .double: "double"
        case .int32: "int32"
        case .int64: "int64"
        case .uint32: "uint32"
        case .uint64: "uint64"
        case .sint32: "sint32"
        case .sint64: "sint64"
        case .fixed32: "fixed32"
        case .fixed64: "fixed64"
        case .sfixed32: "sfixed32"
        case .sfixed64: "sfixed64"
        default: nil
        }
    }

    private mutating func readNumber(
        _ bytes: ArraySlice<UInt8>, _ name: String, _ rules: inout FieldRules
    ) throws(DescriptorError) {
        let bounds: [Int32: ValueRule.Bound] = [2: .lt, 3: .lte, 4: .gt, 5: .gte]
        var reader = WireReader(bytes)
        var found: [(bound: ValueRule.Bound, value: DynamicMessage.Value)] = []
        while !reader.isAtEnd {
            let (number, wire) = try reader.tag()
            // A rule's value is written as the field's own values are.
            if let bound = bounds[number], wire == field.wireType {
                found.append((bound, try reader.scalar(of: field)))
            } else {
                ignored.append("\(name).\([1: "const", 6: "in", 7: "not_in", 8: "finite"][number] ?? "rule \(number)")")
                try reader.skip(wire, number: number, depth: 10)
            }
        }
        // An upper bound below the lower one means all values outside of both.
        let upper = found.first { $0.bound == .lt || $0.bound == .lte }
        let lower = found.first { $0.bound == .gt || $0.bound == .gte }
        if let upper, let lower,
            ValueRule.bound(.lte, upper.value, type: name).violation(lower.value) != nil
        {
            ignored.append("\(name): an upper bound below the lower one")
            return
        }
        rules.values += found.map { .bound($0.bound, $0.value, type: name) }
    }

    private mutating func readString(
        _ bytes: ArraySlice<UInt8>, _ rules: inout FieldRules
    ) throws(DescriptorError) {
        var reader = WireReader(bytes)
        while !reader.isAtEnd {
            switch try reader.tag() {
            case (2, .varint): rules.values.append(.minLength(try reader.varint()))
            case (3, .varint): rules.values.append(.maxLength(try reader.varint()))
            case (19, .varint): rules.values.append(.length(try reader.varint()))
            case (6, .delimited):
                let text = String(decoding: try reader.delimited(), as: UTF8.self)
                if let pattern = try? TextPattern(text) {
                    rules.values.append(.pattern(pattern))
                } else {
                    ignored.append("string.pattern \(text)")
                }
            case (let number, let wire):
                ignored.append("string.\(Self.stringRules[number] ?? "rule \(number)")")
                try reader.skip(wire, number: number, depth: 10)
            }
        }
    }

    private mutating func readEnum(_ bytes: ArraySlice<UInt8>, _ rules: inout FieldRules) throws(DescriptorError) {
        var reader = WireReader(bytes)
        while !reader.isAtEnd {
            switch try reader.tag() {
            case (2, .varint):
                guard try reader.varint() != 0, case .enumeration(let name) = field.kind else { continue }
                rules.values.append(.definedOnly(Set(try pool.enumeration(name).values.map { Int64($0.number) })))
            case (let number, let wire):
                ignored.append("enum.\([1: "const", 3: "in", 4: "not_in"][number] ?? "rule \(number)")")
                try reader.skip(wire, number: number, depth: 10)
            }
        }
    }

    private mutating func readRepeated(
        _ bytes: ArraySlice<UInt8>, _ rules: inout FieldRules
    ) throws(DescriptorError) {
        var reader = WireReader(bytes)
        while !reader.isAtEnd {
            switch try reader.tag() {
            case (1, .varint): rules.minItems = try reader.varint()
            case (2, .varint): rules.maxItems = try reader.varint()
            case (4, .delimited): _ = try read(try reader.delimited(), into: &rules, isItem: true)
            case (let number, let wire):
                ignored.append("repeated.\(number == 3 ? "unique" : "rule \(number)")")
                try reader.skip(wire, number: number, depth: 10)
            }
        }
    }
}
