import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// The messages about a refused permission.
struct RefusalTests {
    @Test func textNamesUserRolesAndKeys() {
        #expect(
            Refusal(user: "svc", roles: ["readers", "users"], keys: [.prefix("/microservices/a/")]).text
                == #"; user "svc", who has the roles "readers", "users", is not permitted this for the prefix "#
                + #""/microservices/a/""#
        )
        #expect(
            Refusal(user: "svc", roles: ["users"]).text
                == #"; user "svc", who has the role "users", is not permitted this"#)
        #expect(Refusal(user: "svc", roles: []).text == #"; user "svc", who has no role, is not permitted this"#)
        #expect(
            Refusal(user: "svc", keys: [.key("k")]).text == #"; user "svc" is not permitted this for the key "k""#)
        #expect(Refusal(keys: [.key("k")]).text == #"; the client gives no user name, and asked for the key "k""#)
    }

    @Test func textCountsFurtherKeys() {
        let text = Refusal(user: "u", keys: (1...5).map { .key("\($0)") }).text
        #expect(text.hasSuffix(#"for the key "1", the key "2", the key "3" and 2 more"#))
    }

    @Test func textDescribesRanges() {
        #expect(KeyRange.all.text == "all keys")
        #expect(KeyRange.prefix("a/").text == #"the prefix "a/""#)
        #expect(KeyRange.from("a").text == #"the keys from "a" on"#)
        #expect(KeyRange.range(from: "a", to: "c").text == #"the keys from "a" to "c""#)
    }

    @Test func transactionNamesEachKeyOnce() {
        let request = WireTxnRequest.with {
            $0.compare = [.with { $0.key = Data("k".utf8) }]
            $0.success = [.with { $0.requestPut.key = Data("k".utf8) }]
            $0.failure = [
                .with { $0.requestRange.key = Data("k".utf8) },
                .with {
                    $0.requestTxn.success = [.with { $0.requestDeleteRange.key = Data("other".utf8) }]
                },
            ]
        }
        #expect(request.ranges == [.key("k"), .key("other")])
    }
}
