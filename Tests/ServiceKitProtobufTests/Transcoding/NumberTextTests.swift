import ServiceKitTestSupport
import Testing

@testable import ServiceKitProtobuf

/// Numbers as text. Swift's own description has the same digits in the same form.
@Suite(.timeLimit(.minutes(1)))
struct NumberTextTests {
    private func text(_ value: Double) -> String {
        var sink = ByteSink(capacity: 64)
        sink.number(value)
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    private func expected(_ value: Double) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func check(_ value: Double) {
        guard value.isFinite else { return }
        for value in [value, -value] where text(value) != expected(value) {
            Issue.record("\(text(value)) is not \(expected(value))")
        }
    }

    @Test func limitsAreAsSwiftPrintsThem() {
        for value in [
            0, 1, 0.1, 0.3, 1.5, 9.5, 12.25, 99.99, 100.5, 0.0001, 0.00012345, 0.00001, 1e-7, 1e22, 1e23,
            9007199254740991, 9007199254740992, 9007199254740994, 1e100,
            .leastNormalMagnitude, .leastNormalMagnitude.nextDown, .leastNonzeroMagnitude,
            .leastNonzeroMagnitude * 2, .greatestFiniteMagnitude, .pi,
        ] as [Double] { check(value) }
        for exponent in -1074...1023 {
            let power = Double(sign: .plus, exponent: exponent, significand: 1)
            for value in [power, power.nextUp, power.nextDown, power * 3] { check(value) }
        }
        for exponent in -323...308 {
            guard let power = Double("1e\(exponent)") else { continue }
            for value in [power, power.nextUp, power.nextDown, power * 5] { check(value) }
        }
    }

    @Test func anyNumberIsAsSwiftPrintsIt() {
        var numbers = SeededGenerator(seed: 0x5EED)
        for _ in 0..<20_000 {
            check(Double(bitPattern: numbers.next()))
            check(Double(Int64.random(in: 0...10_000_000_000, using: &numbers)) / 10_000)
            check(Double.random(in: 0...1000, using: &numbers))
        }
    }

    @Test func integersHaveAllTheirDigits() {
        var numbers = SeededGenerator(seed: 0x5EED)
        var values: [UInt64] = [0, .max]
        for shift in 0..<64 { values += [1 << UInt64(shift), numbers.next() >> UInt64(shift)] }
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            values += [power - 1, power, power + 1]
        }
        for value in values {
            var sink = ByteSink(capacity: 64)
            sink.number(value)
            #expect(String(decoding: sink.bytes, as: UTF8.self) == "\(value)")
        }
    }
}
