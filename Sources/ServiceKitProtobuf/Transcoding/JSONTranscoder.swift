/// Converts messages of one type between the wire format and JSON (https://protobuf.dev/programming-guides/json/), by tables
/// that are made from descriptors once. No message is built in between.
package struct JSONTranscoder: Sendable {
    package let tables: MessageTables
    package let options: JSONOptions
    /// The index of the message among the tables.
    let index: Int

    /// - Parameters:
    ///   - message: The full name of the message.
    ///   - tables: The messages that are known, also inside of an `Any`.
    ///   - options: The form of the JSON, and bounds.
    /// - Throws: ``DescriptorError`` when there is no such message.
    package init(
        _ message: String, in tables: MessageTables, options: JSONOptions = JSONOptions()
    ) throws(DescriptorError) {
        self.tables = tables
        self.options = options
        index = try tables.index(of: message)
    }

    // MARK: - To JSON

    /// Appends a message as JSON. Fields stand in the order of their numbers.
    ///
    /// - Parameters:
    ///   - wire: The message in the wire format.
    ///   - json: Unchanged when an error is thrown.
    /// - Throws: ``JSONError`` when the bytes are no such message, or have a value without a form in JSON.
    package func encode(_ wire: UnsafeRawBufferPointer, into json: inout [UInt8]) throws(JSONError) {
        try encode(wire) { json.append(contentsOf: $0) }
    }

    /// Appends a message as JSON.
    package func encode(_ wire: [UInt8], into json: inout [UInt8]) throws(JSONError) {
        try wire.withUnsafeBufferPointer { (wire) throws(JSONError) in
            try encode(UnsafeRawBufferPointer(wire), into: &json)
        }
    }

    /// Converts a message to JSON.
    package func encode(_ wire: [UInt8]) throws(JSONError) -> [UInt8] {
        var json: [UInt8] = []
        try encode(wire, into: &json)
        return json
    }

    /// Converts a message to JSON, and lends the JSON to a function.
    package func encode<Result>(
        _ wire: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) throws(JSONError) -> Result {
        let start = wire.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        let content = WireCursor(start, start + wire.count)
        var writer = WireToJSON(tables, options, capacity: wire.count * 3 + 64, sorts: false)
        do throws(JSONError) {
            try writer.message(index, content, depth: 1)
        } catch {
            guard writer.isOutOfOrder else { throw error }
            writer = WireToJSON(tables, options, capacity: wire.count * 3 + 64, sorts: true)
            try writer.message(index, content, depth: 1)
        }
        return body(writer.out.bytes)
    }

    /// Appends one field of a message as JSON, without the message around it. A missing field is written as its default,
    /// or as null if that is a value of one of protobuf's own types.
    package func encode(
        _ wire: UnsafeRawBufferPointer, field: FieldPath, into json: inout [UInt8]
    ) throws(JSONError) {
        let start = wire.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        let content = WireCursor(start, start + wire.count)
        // Sorted, so that the writer's first member is the field.
        var writer = WireToJSON(tables, options, capacity: wire.count * 3 + 64, sorts: true)
        try writer.onlyField(field.first, of: index, content)
        json.append(contentsOf: writer.out.bytes)
    }

    // MARK: - From JSON

    /// Appends a message of which JSON has one field's value.
    package func decode(
        _ json: UnsafeRawBufferPointer, field: FieldPath, into wire: inout [UInt8]
    ) throws(JSONError) {
        let start = json.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        var reader = JSONToWire(tables, options, start, count: json.count)
        do throws(JSONError) {
            try reader.document(tables.fields[Int(tables.messages[index].first) + field.first])
        } catch {
            throw error.within(field.name).located(in: UnsafeBufferPointer(start: start, count: json.count))
        }
        wire.append(contentsOf: reader.out.bytes)
    }

    /// Appends a message, given as JSON, in the wire format.
    ///
    /// - Parameters:
    ///   - json: The JSON, as UTF-8. Nothing but space may stand around it.
    ///   - wire: Unchanged when an error is thrown.
    /// - Throws: ``JSONError`` that names the field, its line and column, and what was expected.
    package func decode(_ json: UnsafeRawBufferPointer, into wire: inout [UInt8]) throws(JSONError) {
        try decode(json) { wire.append(contentsOf: $0) }
    }

    /// Appends a message, given as JSON, in the wire format.
    package func decode(_ json: [UInt8], into wire: inout [UInt8]) throws(JSONError) {
        try json.withUnsafeBufferPointer { (json) throws(JSONError) in
            try decode(UnsafeRawBufferPointer(json), into: &wire)
        }
    }

    /// Converts JSON to a message in the wire format.
    package func decode(_ json: [UInt8]) throws(JSONError) -> [UInt8] {
        var wire: [UInt8] = []
        try decode(json, into: &wire)
        return wire
    }

    /// Converts JSON to a message in the wire format, and lends its bytes to a function.
    package func decode<Result>(
        _ json: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) throws(JSONError) -> Result {
        let start = json.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        var reader = JSONToWire(tables, options, start, count: json.count)
        do throws(JSONError) {
            try reader.document(index)
        } catch {
            throw error.located(in: UnsafeBufferPointer(start: start, count: json.count))
        }
        return body(reader.out.bytes)
    }

    /// The start of no bytes. It is never read.
    private static var nothing: UnsafePointer<UInt8> {
        StaticString("").utf8Start
    }
}
