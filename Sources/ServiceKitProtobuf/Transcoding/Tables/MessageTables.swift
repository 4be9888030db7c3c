/// The messages of a pool, compiled for the transcoder: once, unchanged afterwards, and shared by all calls.
///
/// Tables refer to each other by their indices, so that messages may contain themselves.
package final class MessageTables: Sendable {
    let messages: [MessageTable]
    let fields: [FieldTable]
    let enums: [EnumTable]
    let values: [EnumValue]
    /// The index of a field in its message and 1, by the field's number; 0 if there is none. Only for small numbers.
    let indexByNumber: [UInt16]
    let slots: [NameSlot]
    /// All names and keys.
    let text: [UInt8]
    /// The types behind the tables, for errors.
    let types: [MessageType]
    let enumTypes: [EnumType]
    private let indexByName: [String: Int]

    /// Compiles all messages of a pool. A field whose type the pool lacks is an error for the first message that has it.
    package init(_ pool: DescriptorPool) {
        var compiler = TableCompiler(pool)
        compiler.compile()
        messages = compiler.messages
        fields = compiler.fields
        enums = compiler.enums
        values = compiler.values
        indexByNumber = compiler.indexByNumber
        slots = compiler.slots
        text = compiler.text
        types = compiler.types
        enumTypes = compiler.enumTypes
        indexByName = compiler.indexByName
    }

    /// The index of the message with a full name. Throws ``DescriptorError`` when it is missing.
    package func index(of message: String) throws(DescriptorError) -> Int {
        guard let index = indexByName[message] else { throw DescriptorError("no descriptor of the message \(message)") }
        return index
    }

    /// The index of the message with a full name in UTF-8.
    func index(of name: UnsafeBufferPointer<UInt8>) -> Int? { indexByName[String(decoding: name, as: UTF8.self)] }

    // MARK: - Look-up

    /// The index of a field in its message; -1 if there is none.
    @inline(__always) func field(_ number: UInt32, of message: MessageTable) -> Int {
        if number < UInt32(truncatingIfNeeded: message.numbersCount) {
            return Int(indexByNumber[Int(message.numbersStart) + Int(number)]) - 1
        }
        return search(number, of: message)
    }

    private func search(_ number: UInt32, of message: MessageTable) -> Int {
        var low = 0
        var high = Int(message.count)
        while low < high {
            let middle = (low + high) / 2
            let found = fields[Int(message.first) + middle].number
            if found == number { return middle }
            if found < number { low = middle + 1 } else { high = middle }
        }
        return -1
    }

    /// The meaning of a name; `nil` if it is unknown.
    @inline(__always) func find(_ name: UnsafeBufferPointer<UInt8>, in table: NameTable) -> Int32? {
        guard let start = name.baseAddress else { return nil }
        var position = NameSlot.hash(start, name.count) & table.mask
        while true {
            let slot = slots[Int(table.start) + Int(position)]
            if !slot.isUsed { return nil }
            if Int(slot.name.count) == name.count, matches(slot.name, start) { return slot.value }
            position = (position + 1) & table.mask
        }
    }

    /// Whether a text begins at a place with as many bytes.
    @inline(__always) func matches(_ range: TextRange, _ start: UnsafePointer<UInt8>) -> Bool {
        let offset = Int(range.offset)
        for index in 0..<Int(range.count) where text[offset + index] != start[index] { return false }
        return true
    }

    /// The value of an enum with a number; `nil` if it is unknown.
    func value(_ number: Int32, of type: EnumTable) -> EnumValue? {
        var low = 0
        var high = Int(type.count)
        // Most enums count up from 0.
        let guess = Int(number)
        if guess >= 0, guess < high, values[Int(type.first) + guess].number == number {
            return values[Int(type.first) + guess]
        }
        while low < high {
            let middle = (low + high) / 2
            let value = values[Int(type.first) + middle]
            if value.number == number { return value }
            if value.number < number { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The field as descriptors have it.
    func type(of field: Int, in message: Int) -> FieldType { types[message].fields[field] }
}
