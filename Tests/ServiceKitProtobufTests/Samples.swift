import Foundation
import SwiftProtobuf

@testable import ServiceKitProtobuf

/// The types of the tests, and messages of them.
enum Samples {
    static let pool: DescriptorPool = {
        do {
            return try DescriptorPool(base64: [kindsDescriptors])
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    static let kinds = "kinds.v1.Kinds"

    /// Messages with every kind of field, with ordinary values and with limits.
    static let messages: [(name: String, message: Kinds_V1_Kinds)] = [
        ("empty", Kinds_V1_Kinds()),
        ("scalars", scalars), ("smallest", smallest), ("greatest", greatest), ("not finite", notFinite),
        ("repeated", repeated), ("maps", maps), ("defaults with presence", present), ("well-known", wellKnown),
        ("nested", .with { $0.deeper.deeper.nested.back.aString = "deep" }),
        ("text", .with { $0.text = "" }), ("number", .with { $0.number = 0 }),
        ("message", .with { $0.message.id = 7 }), ("nothing", .with { $0.nothing = .nullValue }),
        ("unknown enum value", .with { $0.color = .UNRECOGNIZED(99) }),
        ("unicode", .with { $0.aString = "„\u{1}\n\t\\\"\u{2028}\u{7F}😀é/" }),
    ]

    private static let scalars = Kinds_V1_Kinds.with {
        $0.aDouble = 1.5
        $0.aFloat = -0.25
        $0.anInt32 = -3
        $0.anInt64 = 9_007_199_254_740_993
        $0.aUint32 = 5
        $0.aUint64 = 18_446_744_073_709_551_614
        $0.aSint32 = -7
        $0.aSint64 = -8
        $0.aFixed32 = 9
        $0.aFixed64 = 10
        $0.aSfixed32 = -11
        $0.aSfixed64 = -12
        $0.aBool = true
        $0.aString = "text"
        $0.someBytes = .init([0, 1, 0xFE, 0xFF])
        $0.color = .green
        $0.nested.id = 17
        $0.renamed = "name"
    }

    private static let smallest = Kinds_V1_Kinds.with {
        $0.aDouble = -.greatestFiniteMagnitude
        $0.aFloat = -.leastNonzeroMagnitude
        $0.anInt32 = .min
        $0.anInt64 = .min
        $0.aSint32 = .min
        $0.aSint64 = .min
        $0.aSfixed32 = .min
        $0.aSfixed64 = .min
        $0.color = .negative
    }

    private static let greatest = Kinds_V1_Kinds.with {
        $0.aDouble = .greatestFiniteMagnitude
        $0.aFloat = .greatestFiniteMagnitude
        $0.anInt32 = .max
        $0.anInt64 = .max
        $0.aUint32 = .max
        $0.aUint64 = .max
        $0.aSint32 = .max
        $0.aSint64 = .max
        $0.aFixed32 = .max
        $0.aFixed64 = .max
        $0.aSfixed32 = .max
        $0.aSfixed64 = .max
    }

    private static let notFinite = Kinds_V1_Kinds.with {
        $0.aDouble = .infinity
        $0.aFloat = -.infinity
        $0.doubles = [-0.0, 1e300, 5, 1e-7]
    }

    private static let repeated = Kinds_V1_Kinds.with {
        $0.packedNumbers = [0, 1, -1, .max]
        $0.unpackedNumbers = [3, 0, 1]
        $0.strings = ["", "a"]
        $0.messages = [.init(), .with { $0.id = 2 }]
        $0.colors = [.unspecified, .red, .negative]
    }

    private static let maps = Kinds_V1_Kinds.with {
        $0.numbersByName = ["": 1, "zero": 0, "a\"b": -1]
        $0.messagesByID = [-1: .init(), 5: .with { $0.id = 5 }]
        $0.stringsByFlag = [true: "yes", false: ""]
        $0.colorsByName = ["red": .red, "none": .unspecified]
    }

    private static let present = Kinds_V1_Kinds.with {
        $0.optionalNumber = 0
        $0.optionalString = ""
        $0.nested = .init()
        $0.empty = .init()
        $0.wrappedNumber = 0
        $0.wrappedString = ""
    }

    private static let wellKnown = Kinds_V1_Kinds.with {
        $0.time = .init(seconds: 1_700_000_000, nanos: 5_000_000)
        $0.duration = .init(seconds: -1, nanos: -500_000_000)
        $0.mask = .with { $0.paths = ["a_b", "c.d_e"] }
        $0.structure = [
            "a": 1,
            "b": Google_Protobuf_Value(listValue: ["x", .with { $0.nullValue = .nullValue }, true]),
            "c": Google_Protobuf_Value(structValue: ["d": "e"]),
        ]
        $0.value = .with { $0.nullValue = .nullValue }
        $0.list = [1, "two", false]
        $0.wrappedNumber = 68
        $0.wrappedBytes = .init(.init([1, 2]))
        $0.values = [.with { $0.nullValue = .nullValue }, .init(stringValue: "x")]
        $0.times = [.init(), .init(seconds: 1)]
    }
}
