internal import FoundationEssentials

/// A list of operations that etcd carries out as a whole: one list if all conditions hold, another list if not.
///
/// ```swift
/// let result = try await client.commit(
///     Transaction(
///         if: [.isAbsent("lock")],
///         then: [.put("lock", "mine")],
///         else: [.get(.key("lock"))]
///     )
/// )
/// ```
public struct Transaction: Sendable, Hashable {
    /// The conditions. All of them have to hold.
    public var conditions: [Condition]
    /// The operations if all conditions hold.
    public var operations: [Operation]
    /// The operations if a condition does not hold.
    public var alternatives: [Operation]

    /// Creates a transaction.
    public init(if conditions: [Condition] = [], then operations: [Operation], else alternatives: [Operation] = []) {
        self.conditions = conditions
        self.operations = operations
        self.alternatives = alternatives
    }

    /// A comparison of a key's property with a given value.
    public enum Comparison: Sendable, Hashable {
        /// Both are equal.
        case equal
        /// Both differ.
        case notEqual
        /// The key's property is greater.
        case greater
        /// The key's property is less.
        case less
    }

    /// A condition on a key.
    public struct Condition: Sendable, Hashable {
        enum Operand: Hashable {
            case version(Int64)
            case createRevision(Revision)
            case modRevision(Revision)
            case value([UInt8])
            case lease(LeaseID)
        }

        let range: KeyRange
        let comparison: Comparison
        let operand: Operand

        /// The key does not exist.
        public static func isAbsent(_ key: some EtcdBytes) -> Condition {
            Condition(range: .key(key), comparison: .equal, operand: .createRevision(0))
        }

        /// The key exists.
        public static func isPresent(_ key: some EtcdBytes) -> Condition {
            Condition(range: .key(key), comparison: .greater, operand: .createRevision(0))
        }

        /// Compares the number of writes since the key was created; zero if the key does not exist.
        public static func version(of key: some EtcdBytes, _ comparison: Comparison, _ version: Int64) -> Condition {
            Condition(range: .key(key), comparison: comparison, operand: .version(version))
        }

        /// Compares the revision of the key's creation; zero if the key does not exist.
        public static func createRevision(
            of key: some EtcdBytes,
            _ comparison: Comparison,
            _ revision: Revision
        ) -> Condition {
            Condition(range: .key(key), comparison: comparison, operand: .createRevision(revision))
        }

        /// Compares the revision of the key's last change; zero if the key does not exist.
        public static func modRevision(
            of key: some EtcdBytes,
            _ comparison: Comparison,
            _ revision: Revision
        ) -> Condition {
            Condition(range: .key(key), comparison: comparison, operand: .modRevision(revision))
        }

        /// Compares the key's value. A condition on a key that does not exist fails.
        public static func value(
            of key: some EtcdBytes,
            _ comparison: Comparison,
            _ value: some EtcdBytes
        ) -> Condition {
            Condition(range: .key(key), comparison: comparison, operand: .value(value.etcdBytes))
        }

        /// Compares the lease that the key lives by; zero for none.
        public static func lease(of key: some EtcdBytes, _ comparison: Comparison, _ lease: LeaseID) -> Condition {
            Condition(range: .key(key), comparison: comparison, operand: .lease(lease))
        }
    }

    /// One step of a transaction.
    public struct Operation: Sendable, Hashable {
        indirect enum Kind: Hashable {
            case get(KeyRange, GetOptions)
            case put(key: [UInt8], value: [UInt8], lease: LeaseID?)
            case delete(KeyRange)
            case transaction(Transaction)
        }

        let kind: Kind

        /// Reads keys.
        public static func get(_ range: KeyRange, _ options: GetOptions = GetOptions()) -> Operation {
            Operation(kind: .get(range, options))
        }

        /// Writes a key.
        public static func put(_ key: some EtcdBytes, _ value: some EtcdBytes, lease: LeaseID? = nil) -> Operation {
            Operation(kind: .put(key: key.etcdBytes, value: value.etcdBytes, lease: lease))
        }

        /// Deletes keys.
        public static func delete(_ range: KeyRange) -> Operation {
            Operation(kind: .delete(range))
        }

        /// A transaction within this one.
        public static func transaction(_ transaction: Transaction) -> Operation {
            Operation(kind: .transaction(transaction))
        }
    }

    /// The outcome of an operation.
    public indirect enum Outcome: Sendable, Hashable {
        /// The keys that were read.
        case get(GetResult)
        /// A key was written.
        case put
        /// Keys were deleted.
        case delete(count: Int)
        /// The result of an inner transaction.
        case transaction(Result)
    }

    /// The result of a transaction.
    public struct Result: Sendable, Hashable {
        /// Whether the conditions held.
        public var succeeded: Bool
        /// The store's revision after the transaction.
        public var revision: Revision
        /// The outcomes of the list that was carried out, one for each operation.
        public var outcomes: [Outcome]
    }
}

extension EtcdClient {
    /// Carries out a transaction. After `unavailable` and `timeout`, etcd may or may not have carried it out. If two
    /// commits have the effect of one, `isRepeatable` lets the client commit again then.
    public func commit(
        _ transaction: Transaction, isRepeatable: Bool = false
    ) async throws(EtcdError) -> Transaction.Result {
        let request = WireTxnRequest(transaction, namespace)
        return Transaction.Result(
            try await calls.unary(EtcdMethods.txn, request, isRepeatable: isRepeatable), namespace)
    }
}

// MARK: - On the wire

extension WireTxnRequest {
    init(_ transaction: Transaction, _ namespace: Namespace) {
        self.init()
        compare = transaction.conditions.map { WireCompare($0, namespace) }
        success = transaction.operations.map { WireRequestOp($0, namespace) }
        failure = transaction.alternatives.map { WireRequestOp($0, namespace) }
    }
}

extension WireCompare {
    init(_ condition: Transaction.Condition, _ namespace: Namespace) {
        self.init()
        let range = namespace.adding(to: condition.range)
        key = Data(range.start)
        rangeEnd = Data(range.end)
        result =
            switch condition.comparison {
            case .equal: .equal
            case .notEqual: .notEqual
            case .greater: .greater
            case .less: .less
            }
        switch condition.operand {
        case .version(let number):
            target = .version
            version = number
        case .createRevision(let revision):
            target = .create
            createRevision = revision
        case .modRevision(let revision):
            target = .mod
            modRevision = revision
        case .value(let bytes):
            target = .value
            value = Data(bytes)
        case .lease(let id):
            target = .lease
            lease = id
        }
    }
}

extension WireRequestOp {
    init(_ operation: Transaction.Operation, _ namespace: Namespace) {
        self.init()
        switch operation.kind {
        case .get(let range, let options): requestRange = WireRangeRequest(namespace.adding(to: range), options)
        case .put(let key, let value, let lease): requestPut = WirePutRequest(key, value, lease, namespace)
        case .delete(let range): requestDeleteRange = WireDeleteRangeRequest(namespace.adding(to: range))
        case .transaction(let transaction): requestTxn = WireTxnRequest(transaction, namespace)
        }
    }
}

extension WirePutRequest {
    init(_ key: [UInt8], _ value: [UInt8], _ lease: LeaseID?, _ namespace: Namespace) {
        self.init()
        self.key = Data(namespace.adding(to: key))
        self.value = Data(value)
        self.lease = lease ?? 0
    }
}

extension Transaction.Result {
    init(_ wire: WireTxnResponse, _ namespace: Namespace) {
        let outcomes: [Transaction.Outcome] = wire.responses.map { response in
            switch response.response {
            case .responseRange(let range): .get(GetResult(range, namespace))
            case .responseDeleteRange(let deleted): .delete(count: Int(deleted.deleted))
            case .responseTxn(let inner): .transaction(Transaction.Result(inner, namespace))
            case .responsePut, .none: .put
            }
        }
        self.init(succeeded: wire.succeeded, revision: wire.header.revision, outcomes: outcomes)
    }
}
