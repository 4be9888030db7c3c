/// The load of a server, as it reports it in the trailer `endpoint-load-metrics-bin` of its answers: an
/// `xds.data.orca.v3.OrcaLoadReport` (gRFC A51).
///
/// A report is another process's word. A value that is no number, negative or out of its range is left out.
public struct LoadReport: Hashable, Sendable {
    /// The name of the trailer.
    public static let trailer = "endpoint-load-metrics-bin"

    /// The calls that the server has in flight, of all clients; the named metric `rif`. At most 1,000,000.
    public var requestsInFlight: Double?
    /// How long calls took lately at about so many calls in flight, in nanoseconds; the named metric `latency` in seconds. At
    /// most an hour.
    public var latency: Double?
    /// The calls per second (`rps_fractional`).
    public var rate: Double?
    /// The calls per second that failed (`eps`).
    public var failureRate: Double?
    /// How much of its capacity the application uses: 1 is all of it (`application_utilization`). At most 100.
    public var utilization: Double?
    /// How much of its processors' time the server uses: 1 is all of it (`cpu_utilization`). At most 100.
    public var processorUtilization: Double?

    /// Creates a report without values.
    public init() {}
}

// MARK: - Bytes

extension LoadReport {
    /// The fields of `OrcaLoadReport` that are used
    /// (https://github.com/cncf/xds/blob/main/xds/data/orca/v3/orca_load_report.proto).
    private enum Field {
        static let processorUtilization: UInt64 = 1
        static let rate: UInt64 = 6
        static let failureRate: UInt64 = 7
        static let namedMetrics: UInt64 = 8
        static let utilization: UInt64 = 9
        static let entryKey: UInt64 = 1
        static let entryValue: UInt64 = 2
    }

    /// Longer bytes are not read.
    private static let maximumBytes = 4096
    private static let rif = Array("rif".utf8)
    private static let latency = Array("latency".utf8)

    /// The message's bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(96)
        func add(_ field: UInt64, _ value: Double?) {
            guard let value else { return }
            bytes.append(UInt8(field << 3 | 1))
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        func addMetric(_ name: [UInt8], _ value: Double?) {
            guard let value else { return }
            bytes += [UInt8(Field.namedMetrics << 3 | 2), UInt8(name.count + 11)]
            bytes += [UInt8(Field.entryKey << 3 | 2), UInt8(name.count)]
            bytes += name
            add(Field.entryValue, value)
        }
        add(Field.processorUtilization, processorUtilization)
        add(Field.rate, rate)
        add(Field.failureRate, failureRate)
        addMetric(Self.rif, requestsInFlight)
        addMetric(Self.latency, latency.map { $0 / 1e9 })
        add(Field.utilization, utilization)
        return bytes
    }

    /// Reads a message; `nil` for bytes that are none, or more than 4096. Fields that are not used are passed over.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes else { return nil }
        let isRead = WireReader.fields(of: bytes[...]) { field, value in
            switch (field, value) {
            case (Field.rate, .number(let number)): rate = Self.checked(number, atMost: 1e12)
            case (Field.failureRate, .number(let number)): failureRate = Self.checked(number, atMost: 1e12)
            case (Field.utilization, .number(let number)): utilization = Self.checked(number, atMost: 100)
            case (Field.processorUtilization, .number(let number)):
                processorUtilization = Self.checked(number, atMost: 100)
            case (Field.namedMetrics, .bytes(let entry)): return readMetric(entry)
            default: break
            }
            return true
        }
        if !isRead { return nil }
    }

    private mutating func readMetric(_ entry: ArraySlice<UInt8>) -> Bool {
        var name: ArraySlice<UInt8> = []
        // A value that is 0 may be left out.
        var value = 0.0
        let isRead = WireReader.fields(of: entry) { field, part in
            switch (field, part) {
            case (Field.entryKey, .bytes(let bytes)): name = bytes
            case (Field.entryValue, .number(let number)): value = number
            default: break
            }
            return true
        }
        if name.elementsEqual(Self.rif) { requestsInFlight = Self.checked(value, atMost: 1e6) }
        if name.elementsEqual(Self.latency) { latency = Self.checked(value, atMost: 3600).map { $0 * 1e9 } }
        return isRead
    }

    static func checked(_ value: Double, atMost limit: Double) -> Double? {
        value >= 0 && value <= limit ? value : nil
    }
}

/// Reads the fields of a Protobuf message (https://protobuf.dev/programming-guides/encoding/).
private enum WireReader {
    enum Value {
        case number(Double)
        case bytes(ArraySlice<UInt8>)
        case other
    }

    /// Gives each field to a body.
    ///
    /// - Returns: Whether the bytes are a message, and the body has returned `true` for each field.
    static func fields(of bytes: ArraySlice<UInt8>, _ body: (_ field: UInt64, _ value: Value) -> Bool) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            guard let tag = varint(&rest), tag >> 3 > 0, let value = value(ofType: tag & 7, &rest),
                body(tag >> 3, value)
            else { return false }
        }
        return true
    }

    private static func value(ofType type: UInt64, _ rest: inout ArraySlice<UInt8>) -> Value? {
        switch type {
        case 0: varint(&rest).map { _ in .other }
        case 1: take(8, &rest).map { .number(Double(bitPattern: $0.reversed().reduce(0) { $0 << 8 | UInt64($1) })) }
        case 2: varint(&rest).flatMap { take($0, &rest) }.map { .bytes($0) }
        case 5: take(4, &rest).map { _ in .other }
        // Groups are not used any more.
        default: nil
        }
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        return nil
    }

    private static func take(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }
}
