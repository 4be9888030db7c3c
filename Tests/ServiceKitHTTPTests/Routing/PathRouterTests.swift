import ServiceKitProtobuf
import Testing

@testable import ServiceKitHTTP

@Suite struct PathRouterTests {
    private func router(_ routes: [(String, String)]) throws -> PathRouter<String> {
        var router = PathRouter<String>()
        for (method, path) in routes {
            try router.add(method, PathTemplate(path), name: "\(method) \(path)", target: "\(method) \(path)")
        }
        return router
    }

    private func found(_ router: PathRouter<String>, _ method: String, _ path: String) -> String {
        switch router.route(method, path) {
        case .found(let match):
            let bytes = Array(path.utf8)
            let values = zip(match.template.variables, match.values).map { variable, range in
                "\(variable.name)=\(String(decoding: bytes[range], as: UTF8.self))"
            }
            return ([match.target] + values).joined(separator: " ")
        case .methodNotAllowed(let methods): return "405 " + methods.joined(separator: ",")
        case .notFound: return "404"
        }
    }

    @Test(arguments: [
        ("GET", "/v1/users", "GET /v1/users"), ("POST", "/v1/users", "POST /v1/users"),
        ("PUT", "/v1/users", "405 GET,POST"), ("GET", "/v1/users/7", "GET /v1/users/{id} id=7"),
        ("GET", "/v1/users/me", "GET /v1/users/me"), ("DELETE", "/v1/users/me", "DELETE /v1/users/{id} id=me"),
        ("GET", "/v1/users/7:x", "GET /v1/users/{id} id=7:x"),
        ("POST", "/v1/users/7:cancel", "POST /v1/users/{id}:cancel id=7"),
        ("GET", "/v1/users/7:cancel", "GET /v1/users/{id} id=7:cancel"),
        ("PATCH", "/v1/users/7:cancel", "405 DELETE,GET,POST"), ("GET", "/v1/users/", "404"), ("GET", "/v1", "404"),
        ("GET", "/v1/shelves/3/books/a/b%2Fc", "GET /v1/{name=shelves/*/books/**} name=shelves/3/books/a/b%2Fc"),
        ("GET", "/v1/shelves/3/books", "GET /v1/{name=shelves/*/books/**} name=shelves/3/books"),
        ("GET", "/v1/shelves/3/x/y", "404"),
        ("POST", "/v1/shelves/3/books/a:move", "POST /v1/{name=shelves/*/books/**}:move name=shelves/3/books/a"),
        ("GET", "/v1/a/x/b/y", "GET /v1/{first=a/*}/{second=b/*} first=a/x second=b/y"),
        ("GET", "/files/any/thing", "GET /files/** "), ("GET", "/files", "GET /files/** "), ("GET", "/", "GET /"),
        ("OPTIONS", "/any", "* /any"), ("GET", "/any", "GET /any"), ("GET", "any", "404"), ("GET", "", "404"),
        ("GET", "/v1//users", "404"),
    ])
    func requestsAreRouted(method: String, path: String, expected: String) throws {
        let router = try router([
            ("GET", "/files/**"), ("GET", "/v1/users/{id}"), ("GET", "/v1/users"), ("POST", "/v1/users"),
            ("GET", "/v1/users/me"), ("DELETE", "/v1/users/{id}"), ("POST", "/v1/users/{id}:cancel"),
            ("GET", "/v1/{name=shelves/*/books/**}"), ("POST", "/v1/{name=shelves/*/books/**}:move"),
            ("GET", "/v1/{first=a/*}/{second=b/*}"), ("GET", "/"), ("*", "/any"), ("GET", "/any"),
        ])
        #expect(found(router, method, path) == expected.trimmingSuffix)
    }

    @Test(arguments: [
        ("/v1/{id}", "/v1/{name}"), ("/v1/*", "/v1/{name}"), ("/v1/{a=x/**}", "/v1/x/{b=**}"), ("/v1:go", "/v1:go"),
    ])
    func conflictsNameBothMethods(one: String, other: String) throws {
        var router = PathRouter<Int>()
        try router.add("GET", PathTemplate(one), name: "a.S.One", target: 1)
        let error = #expect(throws: RoutingError.self) {
            try router.add("GET", PathTemplate(other), name: "a.S.Two", target: 2)
        }
        #expect(error?.message.contains("a.S.One and a.S.Two both answer GET \(other)") == true)
        // Another method is no conflict.
        try router.add("PUT", PathTemplate(other), name: "a.S.Two", target: 2)
    }

    @Test(arguments: [
        ("v1", "must begin with a slash"), ("/v1//x", "a segment is empty"), ("/v1/", "a segment is empty"),
        ("/**/x", "** must be the last segment"), ("/{a=**}/x", "** must be the last segment"),
        ("/{a", "no closing brace"), ("/{a=b", "no closing brace"), ("/{}", "name of a field"),
        ("/{a..b}", "name of a field"),
        ("/{a={b}}", "inside of another"), ("/{a}/{a}", "occurs twice"), ("/v1:", "a verb"), ("/v1:a:b", "a verb"),
        ("/v1:a/b", "a verb"), ("/v1}", "unexpected"), ("/v1*", "unexpected"), ("/a?b", "no path can have"),
        ("/{a}b", "unexpected"),
    ])
    func mistakesInTemplatesAreNamed(text: String, reason: String) {
        let error = #expect(throws: RoutingError.self) { try PathTemplate(text) }
        #expect(
            error?.message.contains(reason) == true && error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func hugePathsAreRouted() throws {
        let router = try router([("GET", "/{a=**}"), ("GET", "/*/*/*/*/x")])
        let path = String(repeating: "/y", count: 100_000)
        #expect(found(router, "GET", path).utf8.count == path.utf8.count + "GET /{a=**} a=".utf8.count - 1)
    }
}

extension String {
    fileprivate var trimmingSuffix: String { hasSuffix(" ") ? String(dropLast()) : self }
}
