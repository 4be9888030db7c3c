/// The form of JSON, and the bounds of what is read and written.
package struct JSONOptions: Hashable, Sendable {
    /// Whether fields without presence are written when they have their default value: `0`, `""`, `[]`, `{}`. Default:
    /// false.
    package var printsDefaults = false
    /// Whether integers of 64 bits are written as numbers; as strings if not. Readers in JavaScript lose digits of numbers
    /// beyond 2^53. Default: false.
    package var int64AsNumber = false
    /// Whether values of enums are written as numbers; as names if not. Default: false.
    package var enumsAsNumbers = false
    /// Whether fields have their names of the `.proto` file; their JSON names if not. Both are read always. Default: false.
    package var usesProtoNames = false
    /// Whether unknown fields and unknown names of enum values are skipped when JSON is read; refused if not. Default:
    /// false.
    package var ignoresUnknownFields = false
    /// The largest depth of nested messages, objects and arrays. At most 500. Default: 100, as in protobuf's own
    /// implementations.
    package var maxDepth = 100 {
        didSet { maxDepth = min(max(maxDepth, 1), 500) }
    }
    /// The largest JSON document that is read or written, in bytes. Default: 64 MiB.
    package var maxBytes = 64 << 20

    package init() {}
}
