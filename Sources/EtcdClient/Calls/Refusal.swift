internal import FoundationEssentials
internal import SwiftProtobuf

/// Describes a refused permission: the user, the user's roles and the keys.
struct Refusal {
    /// The number of key ranges that the text names.
    private static let shownKeys = 3

    /// The user name of the client.
    var user: String?
    /// The user's roles, if they are known.
    var roles: [String]?
    var keys: [KeyRange] = []

    /// The text that follows etcd's own words.
    var text: String {
        let texts = keys.map(\.text)
        let rest = keys.count > Self.shownKeys ? " and \(keys.count - Self.shownKeys) more" : ""
        let place = keys.isEmpty ? "" : " for " + texts.prefix(Self.shownKeys).joined(separator: ", ") + rest
        guard let user else { return "; the client gives no user name\(place.isEmpty ? "" : ", and asked\(place)")" }
        return "; user \"\(user)\"\(roleText) is not permitted this\(place)"
    }

    private var roleText: String {
        guard let roles else { return "" }
        if roles.isEmpty { return ", who has no role," }
        return ", who has the role\(roles.count == 1 ? "" : "s") " + roles.map { "\"\($0)\"" }.joined(separator: ", ")
            + ","
    }
}

protocol KeyedRequest {
    /// The keys, each range once.
    var ranges: [KeyRange] { get }
}

extension WireRangeRequest: KeyedRequest {
    var ranges: [KeyRange] { [KeyRange(start: [UInt8](key), end: [UInt8](rangeEnd))] }
}

extension WirePutRequest: KeyedRequest {
    var ranges: [KeyRange] { [KeyRange(start: [UInt8](key), end: [])] }
}

extension WireDeleteRangeRequest: KeyedRequest {
    var ranges: [KeyRange] { [KeyRange(start: [UInt8](key), end: [UInt8](rangeEnd))] }
}

extension WireTxnRequest: KeyedRequest {
    var ranges: [KeyRange] {
        let compared = compare.map { KeyRange(start: [UInt8]($0.key), end: [UInt8]($0.rangeEnd)) }
        var found: [KeyRange] = []
        for range in compared + (success + failure).flatMap(\.ranges) where !found.contains(range) {
            found.append(range)
        }
        return found
    }
}

extension WireRequestOp {
    fileprivate var ranges: [KeyRange] {
        switch request {
        case .requestRange(let range): range.ranges
        case .requestPut(let put): put.ranges
        case .requestDeleteRange(let delete): delete.ranges
        case .requestTxn(let transaction): transaction.ranges
        case nil: []
        }
    }
}
