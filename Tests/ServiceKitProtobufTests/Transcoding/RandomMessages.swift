import Foundation
import ServiceKitTestSupport
import SwiftProtobuf

/// Messages with random fields and values, often values at a limit.
struct RandomMessages {
    var numbers: SeededGenerator

    init(seed: UInt64) {
        numbers = SeededGenerator(seed: seed)
    }

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &numbers) == 0 }

    private mutating func integer<Number: FixedWidthInteger>() -> Number {
        switch Int.random(in: 0..<5, using: &numbers) {
        case 0: .max
        case 1: .min
        case 2: Number(Int8.random(in: 0...100, using: &numbers))
        default: Number.random(in: .min ... .max, using: &numbers)
        }
    }

    private mutating func double() -> Double {
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0: .infinity
        case 1: -0.0
        case 2: .leastNonzeroMagnitude
        case 3: Double(Int.random(in: -1_000_000...1_000_000, using: &numbers)) / 100
        case 4: Double(Int64.random(in: .min ... .max, using: &numbers))
        default:
            { $0.isNaN ? 1 : $0 }(Double(bitPattern: numbers.next()))
        }
    }

    private mutating func float() -> Float {
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: numbers.next()))
        return value.isNaN ? 0.1 : value
    }

    private mutating func text() -> String {
        let characters = Array("abcdefghijk0123456789 \"\\/\n\t\u{1}\u{7F}\u{85}é€漢😀\u{2028}")
        let count = chance(10) ? 300 : Int.random(in: 0..<20, using: &numbers)
        return String((0..<count).map { _ in characters.randomElement(using: &numbers) ?? "x" })
    }

    private mutating func bytes() -> Data {
        Data((0..<Int.random(in: 0..<50, using: &numbers)).map { _ in UInt8.random(in: 0...255, using: &numbers) })
    }

    private mutating func color() -> Kinds_V1_Color {
        [.unspecified, .red, .green, .negative, .UNRECOGNIZED(77)].randomElement(using: &numbers) ?? .red
    }

    private mutating func nested(_ depth: Int) -> Kinds_V1_Kinds.Nested {
        var nested = Kinds_V1_Kinds.Nested()
        if !chance(3) { nested.id = integer() }
        if depth > 0, chance(3) { nested.back = message(depth: depth - 1) }
        return nested
    }

    private mutating func time() -> Google_Protobuf_Timestamp {
        let nanos: [Int32] = [0, 1, 999_999_999, 500_000_000, 1_000, 123_456_000]
        return .init(
            seconds: Int64.random(in: -62_135_596_800...253_402_300_799, using: &numbers),
            nanos: nanos.randomElement(using: &numbers) ?? 0)
    }

    private mutating func value(_ depth: Int) -> Google_Protobuf_Value {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &numbers) {
        case 0: .with { $0.nullValue = .nullValue }
        case 1: .init(numberValue: { $0.isFinite ? $0 : 1.5 }(double()))
        case 2: .init(stringValue: text())
        case 3: .init(boolValue: chance(2))
        case 4: .init(structValue: structure(depth - 1))
        default: .init(listValue: .init(values: (0..<3).map { _ in value(depth - 1) }))
        }
    }

    private mutating func structure(_ depth: Int) -> Google_Protobuf_Struct {
        var structure = Google_Protobuf_Struct()
        for _ in 0..<Int.random(in: 0..<15, using: &numbers) { structure.fields[text()] = value(depth) }
        return structure
    }

    mutating func message(depth: Int = 3) -> Kinds_V1_Kinds {
        var message = Kinds_V1_Kinds()
        if chance(3) { message.aDouble = double() }
        if chance(3) { message.aFloat = float() }
        if chance(3) { message.anInt32 = integer() }
        if chance(3) { message.anInt64 = integer() }
        if chance(3) { message.aUint32 = integer() }
        if chance(3) { message.aUint64 = integer() }
        if chance(3) { message.aSint32 = integer() }
        if chance(3) { message.aSint64 = integer() }
        if chance(3) { message.aFixed32 = integer() }
        if chance(3) { message.aFixed64 = integer() }
        if chance(3) { message.aSfixed32 = integer() }
        if chance(3) { message.aSfixed64 = integer() }
        if chance(3) { message.aBool = true }
        if chance(2) { message.aString = text() }
        if chance(3) { message.someBytes = bytes() }
        if chance(3) { message.color = color() }
        if chance(3) { message.nested = nested(depth) }
        if chance(3) { message.renamed = text() }
        if chance(4) { message.packedNumbers = (0..<5).map { _ in integer() } }
        if chance(4) { message.unpackedNumbers = (0..<5).map { _ in integer() } }
        if chance(4) { message.strings = (0..<3).map { _ in text() } }
        if chance(4) { message.messages = (0..<3).map { _ in nested(depth) } }
        if chance(4) { message.colors = (0..<4).map { _ in color() } }
        if chance(4) { message.doubles = (0..<4).map { _ in double() } }
        if chance(4) { for _ in 0..<12 { message.numbersByName[text()] = integer() } }
        if chance(4) { for _ in 0..<3 { message.messagesByID[integer()] = nested(depth) } }
        if chance(4) { message.stringsByFlag = [true: text(), false: text()] }
        if chance(4) { message.colorsByName[text()] = color() }
        if chance(4) { message.optionalNumber = chance(2) ? 0 : integer() }
        if chance(4) { message.optionalString = chance(2) ? "" : text() }
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0: message.text = text()
        case 1: message.number = integer()
        case 2: message.message = nested(depth)
        case 3: message.nothing = .nullValue
        default: break
        }
        if chance(4) { message.time = time() }
        if chance(4) { message.duration = .init(seconds: -5, nanos: chance(2) ? -1 : 0) }
        if chance(4) { message.mask.paths = ["a_b", "c.d_e1"] }
        if chance(4) { message.structure = structure(2) }
        if chance(4) { message.value = value(3) }
        if chance(4) { message.list = .init(values: [value(2), value(2)]) }
        if chance(6), let any = try? Google_Protobuf_Any(message: nested(0)) { message.any = any }
        if chance(6), let any = try? Google_Protobuf_Any(message: time()) { message.any = any }
        if chance(4) { message.empty = .init() }
        if chance(4) { message.wrappedNumber = .init(integer()) }
        if chance(4) { message.wrappedString = .init(text()) }
        if chance(4) { message.wrappedBytes = .init(bytes()) }
        if chance(4) { message.values = [value(1), value(0)] }
        if chance(4) { message.times = [time(), time()] }
        if depth > 0, chance(4) { message.deeper = self.message(depth: depth - 1) }
        return message
    }
}
