import ServiceKitProtobuf
import Testing

@testable import ServiceKitHTTP

@Suite struct RequestBindingTests {
    private func json(
        _ rule: HTTPRule, body: String = "", path: String = "/", query: String = "",
        options: JSONOptions = JSONOptions(),
        refuses: Bool = false
    ) throws -> String {
        let transcoder = try RoutingSamples.transcoder(options)
        let binding = try RequestBinding(rule, input: transcoder, output: transcoder, method: "a.S.Get")
        var router = PathRouter<Int>()
        try router.add("GET", binding.template, name: "a.S.Get", target: 1)
        guard case .found(let match) = router.route("GET", path) else { return "404" }
        var wire: [UInt8] = []
        let (body, path, query) = (Array(body.utf8), Array(path.utf8), Array(query.utf8))
        try body.withUnsafeBufferPointer { body in
            try path.withUnsafeBufferPointer { path in
                try query.withUnsafeBufferPointer { query in
                    try binding.message(
                        body: UnsafeRawBufferPointer(body), path: path, values: match.values, query: query,
                        refusesUnknownParameters: refuses, into: &wire)
                }
            }
        }
        return String(decoding: try transcoder.encode(wire), as: UTF8.self)
    }

    @Test(
        arguments: [
            ("id=5", #"{"id":"5"}"#), ("display_name=a+b%20c&displayName=d", #"{"displayName":"d"}"#),
            ("tags=a&tags=b&tags[]=c", #"{"tags":["a","b","c"]}"#), ("numbers=1&numbers=2", #"{"numbers":[1,2]}"#),
            ("color=RED", #"{"color":"RED"}"#), ("color=1", #"{"color":"RED"}"#), ("color=7", #"{"color":7}"#),
            ("parent.id=5&parent.parent.display_name=x", #"{"parent":{"id":"5","parent":{"displayName":"x"}}}"#),
            ("parent.tags=a&parent.tags=b", #"{"parent":{"tags":["a","b"]}}"#),
            ("labels[a]=1&labels.b.c=2&labels%5Ba%5D=3", #"{"labels":{"a":"3","b.c":"2"}}"#),
            ("counts[5]=7", #"{"counts":{"5":"7"}}"#),
            ("born=2024-02-29T12:00:00.5Z", #"{"born":"2024-02-29T12:00:00.500Z"}"#),
            ("age=1.5s", #"{"age":"1.500s"}"#), ("mask=a.display_name,tags&", #"{"mask":"a.displayName,tags"}"#),
            ("mask=displayName", #"{"mask":"displayName"}"#), ("limit=0", #"{"limit":"0"}"#),
            ("photo=-_8", #"{"photo":"+/8="}"#),
            ("active=true&score=-0.5", #"{"active":true,"score":-0.5}"#), ("one=x&other=3", nil),
            ("one=x&one=y&parent.other=3", #"{"parent":{"other":3},"one":"y"}"#),
            ("unknown=1&parent.unknown=2&id.x=3&friends.id=4", "{}"), ("", "{}"), ("&&=&id=", nil),
            ("born.seconds=1", #"{"born":"1970-01-01T00:00:01Z"}"#),
        ] as [(String, String?)])
    func queries(query: String, expected: String?) throws {
        guard let expected else {
            #expect(throws: JSONError.self) { try json(HTTPRule("GET", "/"), query: query) }
            return
        }
        #expect(try json(HTTPRule("GET", "/"), query: query) == expected)
    }

    @Test(arguments: [
        ("id=x", #"id: expected an integer of 64 bits, found "x""#),
        ("parent.id=1.5", #"parent.id: expected an integer of 64 bits, found "1.5""#),
        ("color=BLUE", #"color: expected a value of a.Color (NONE, RED), found "BLUE""#),
        ("friends=x", "friends: a a.User cannot be given as text; give it in the body"),
        ("labels=x", "labels: a a.User.LabelsEntry cannot be given as text; give it in the body"),
        ("labels[a=x", "labels[a: a key of a map is given as name[key] or name.key"),
        ("counts[x]=1", "counts[x]: expected an integer of 32 bits as key"),
        ("id=%4", "id: the value has an incomplete escape"),
        ("%zz=4", "%zz: the name has an incomplete escape"),
        ("display_name=%FF", "display_name: the value is not UTF-8"),
        ("active=yes", #"active: expected true or false, found "yes""#), ("x.y=1", "x.y: there is no such parameter"),
        ("photo=a", #"photo: expected a string in base64, found "a""#),
        ("one=x&other=3", "other: only one field of choice can be given"),
        ("parent.other=3&parent.one=x", "parent.one: only one field of choice can be given"),
        ("born=now", #"born: expected a google.protobuf.Timestamp, found "now""#),
    ])
    func mistakesNameTheParameter(query: String, expected: String) {
        let error = #expect(throws: JSONError.self) {
            try json(HTTPRule("GET", "/"), query: query, refuses: true)
        }
        #expect(error?.description == expected)
    }

    @Test func pathAfterQueryAfterBody() throws {
        let rule = HTTPRule("GET", "/v1/{id}/{parent.display_name=x/**}", body: "*")
        #expect(
            try json(
                rule, body: #"{"id": 1, "tags": ["a"], "parent": {"id": 2}}"#, path: "/v1/0/x/a%20b%2fc",
                query: "tags=b")
                == #"{"tags":["a"],"parent":{"id":"2","displayName":"x/a b%2fc"}}"#)
        let field = HTTPRule("GET", "/v1/{display_name}", body: "parent")
        #expect(
            try json(field, body: #"{"id": "7"}"#, path: "/v1/a%2Fb+c", query: "id=3&parent.id=8")
                == #"{"id":"3","displayName":"a/b+c","parent":{"id":"8"}}"#)
        #expect(try json(HTTPRule("GET", "/", body: "tags"), body: #"["a","b"]"#) == #"{"tags":["a","b"]}"#)
        #expect(try json(HTTPRule("GET", "/", body: "*")) == "{}")
        #expect(
            try json(HTTPRule("GET", "/{born}"), path: "/2024-01-01T00:00:00Z") == #"{"born":"2024-01-01T00:00:00Z"}"#)
    }

    @Test func mistakesInPathAndBodyAreNamed() throws {
        let path = #expect(throws: JSONError.self) { try json(HTTPRule("GET", "/{id}"), path: "/x") }
        #expect(path?.description == #"id: expected an integer of 64 bits, found "x""#)
        let body = #expect(throws: JSONError.self) {
            try json(HTTPRule("GET", "/", body: "parent"), body: "{\n \"id\": true}")
        }
        #expect(body?.description == "line 2, column 8: parent.id: expected an integer of 64 bits, found true")
    }

    @Test(arguments: [
        (HTTPRule("GET", "/{x}"), "a.S.Get: GET /{x}: x: there is no field x in a.User"),
        (HTTPRule("GET", "/{tags}"), "a.S.Get: GET /{tags}: tags: a repeated field cannot be a variable of a path"),
        (HTTPRule("GET", "/{parent}"), "a.S.Get: GET /{parent}: parent: a message cannot be a variable of a path"),
        (HTTPRule("GET", "/{id.x}"), "a.S.Get: GET /{id.x}: id.x: there is no field x in a value"),
        (
            HTTPRule("GET", "/{friends.id}"),
            "a.S.Get: GET /{friends.id}: friends.id: id is inside of a field that is no single message"
        ),
        (HTTPRule("GET", "/", body: "x"), "a.S.Get: GET /: x: there is no field x in a.User"),
        (HTTPRule("GET", "/", responseBody: "y"), "a.S.Get: GET /: y: there is no field y in a.User"),
        (HTTPRule("GET", "/{"), "a.S.Get: the path /{: a variable must have the name of a field"),
    ])
    func mistakesInRulesAreNamed(rule: HTTPRule, expected: String) throws {
        let transcoder = try RoutingSamples.transcoder()
        #expect(throws: RoutingError(expected)) {
            try RequestBinding(rule, input: transcoder, output: transcoder, method: "a.S.Get")
        }
    }

    @Test(arguments: [
        ("parent", #"{"id":"2"}"#), ("display_name", #""n""#), ("tags", #"["a","b"]"#), ("labels", #"{"x":"y"}"#),
        ("born", "null"),
        ("friends", "[]"), ("counts", "{}"), ("color", #""NONE""#), ("one", #""""#), ("other", "4"), ("age", #""3s""#),
        ("numbers", "[1,2]"),
    ])
    func responseBody(field: String, expected: String) throws {
        let transcoder = try RoutingSamples.transcoder()
        let binding = try RequestBinding(
            HTTPRule("GET", "/", responseBody: field), input: transcoder, output: transcoder, method: "a.S.Get")
        let message =
            #"{"parent":{"id":2},"displayName":"n","tags":["a","b"],"labels":{"x":"y"},"age":"3s","other":4,"numbers":[1]}"#
        // The field in two pieces, and a member of the oneof that another clears.
        var wire = try transcoder.decode(Array(#"{"one":"x"}"#.utf8))
        try transcoder.decode(Array(message.utf8), into: &wire)
        try transcoder.decode(Array(#"{"numbers":[2]}"#.utf8), into: &wire)
        var json: [UInt8] = []
        try wire.withUnsafeBytes { try binding.response($0, into: &json) }
        #expect(String(decoding: json, as: UTF8.self) == expected)
    }
}
