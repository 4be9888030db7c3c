import Testing

@testable import ServiceKitCommand

/// The source of ServiceKit for a service.
struct KitSourceTests {
    @Test func defaultSourceIsThisCheckout() throws {
        let source = try KitSource(nil, in: "/")
        #expect(source == .checkout(path: KitSource.origin))
        #expect(source.dependency == ".package(name: \"servicekit\", path: \"\(KitSource.origin)\")")
        #expect(source.packageName == "servicekit")
    }

    @Test func aCheckoutIsNamedByItsPath() throws {
        #expect(try KitSource(".", in: KitSource.origin) == .checkout(path: KitSource.origin))
        #expect(try KitSource("../..", in: KitSource.origin + "/cmd/kit") == .checkout(path: KitSource.origin))
        let failure = #expect(throws: CommandFailure.self) { try KitSource("nowhere", in: "/tmp") }
        #expect(failure?.description.contains("no Package.swift at /tmp/nowhere") == true)
    }

    @Test(arguments: [
        ("https://example.com/a/kit.git@1.2.3", "from: \"1.2.3\"", "kit"),
        ("https://user@example.com/servicekit@1.2.3-beta.1", "from: \"1.2.3-beta.1\"", "servicekit"),
        ("https://example.com/servicekit.git@main", "branch: \"main\"", "servicekit"),
        ("git@example.com:a/servicekit.git@v1", "branch: \"v1\"", "servicekit"),
        (
            "https://example.com/servicekit@0123456789abcdef0123456789abcdef01234567",
            "revision: \"0123456789abcdef0123456789abcdef01234567\"", "servicekit"
        ),
    ])
    func aRepositoryHasAVersion(_ text: String, requirement: String, package: String) throws {
        let source = try KitSource(text, in: "/")
        #expect(source.dependency.contains(requirement), "\(source.dependency)")
        #expect(source.packageName == package)
    }

    @Test(arguments: [
        "https://example.com/servicekit", "https://user@example.com/servicekit", "git@example.com:kit.git",
    ])
    func aRepositoryWithoutAVersionIsRefused(_ text: String) {
        let failure = #expect(throws: CommandFailure.self) { try KitSource(text, in: "/") }
        #expect(failure?.description.contains("names no version") == true)
    }
}
