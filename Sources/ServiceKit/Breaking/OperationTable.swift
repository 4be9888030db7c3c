private import Synchronization

/// A value for each operation, made when the operation is first asked for and never dropped. Reading it takes no lock.
///
/// The operations beyond a bound share one value, as names may come from callers.
final class OperationTable<Value: Sendable>: Sendable {
    private final class Entry: Sendable {
        let operation: String
        let value: Value
        let next = AtomicLazyReference<Entry>()

        init(_ operation: String, _ value: Value) {
            self.operation = operation
            self.value = value
        }
    }

    private final class Chain: Sendable {
        let first = AtomicLazyReference<Entry>()
    }

    private static var chainCount: Int { 64 }

    private let chains: [Chain]
    private let count = Atomic(0)
    private let limit: Int
    private let other: Value
    private let make: @Sendable () -> Value

    /// - Parameters:
    ///   - limit: How many operations have a value of their own.
    ///   - make: Makes the value of an operation.
    init(limit: Int, _ make: @escaping @Sendable () -> Value) {
        chains = (0..<Self.chainCount).map { _ in Chain() }
        self.limit = limit
        other = make()
        self.make = make
    }

    /// All operations and their values; those beyond the bound are `_OTHER`.
    var all: [(operation: String, value: Value)] {
        var all: [(String, Value)] = []
        for chain in chains {
            var next = chain.first.load()
            while let entry = next {
                all.append((entry.operation, entry.value))
                next = entry.next.load()
            }
        }
        return all + [("_OTHER", other)]
    }

    /// The value of an operation.
    subscript(operation: String) -> Value {
        let chain = chains[Int(UInt(bitPattern: operation.hashValue) % UInt(Self.chainCount))]
        guard var entry = chain.first.load() else { return add(operation) { chain.first.storeIfNil($0) } }
        while entry.operation != operation {
            guard let next = entry.next.load() else { return add(operation, behind: entry) }
            entry = next
        }
        return entry.value
    }

    private func add(_ operation: String, behind last: Entry) -> Value {
        var last = last
        return add(operation) { new in
            // Another task may have added an entry meanwhile, even of the same operation.
            while true {
                let entry = last.next.storeIfNil(new)
                if entry === new || entry.operation == operation { return entry }
                last = entry
            }
        }
    }

    private func add(_ operation: String, _ store: (Entry) -> Entry) -> Value {
        guard count.wrappingAdd(1, ordering: .relaxed).oldValue < limit else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return other
        }
        let new = Entry(operation, make())
        let entry = store(new)
        if entry !== new { count.wrappingSubtract(1, ordering: .relaxed) }
        return entry.operation == operation ? entry.value : self[operation]
    }
}
