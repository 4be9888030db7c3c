import Foundation
import Testing

@testable import ServiceKitCommand

/// The names of this package's modules, as `Package.swift` has them.
@Suite struct ModuleNamesTests {
    /// The modules that a package on ServiceKit has in its graph: all but the tests.
    private static let modules: [String] = {
        let manifest = try? String(contentsOfFile: KitSource.origin + "/Package.swift", encoding: .utf8)
        let target = /\.(?:target|executableTarget|systemLibrary)\(\s*name: "([^"]+)"/
        return (manifest ?? "").matches(of: target).map { String($0.output.1) }
    }()

    /// protoc finds its plugin by the program's name.
    private static let standalone: Set = ["EtcdClient", "GRPCNghttp2Transport", "protoc-gen-servicekit"]

    @Test func modulesAreFound() {
        #expect(Self.modules.count > 10)
        #expect(Set(Self.modules).isSuperset(of: Self.standalone))
    }

    /// SwiftPM refuses two targets of one name in a graph. Of two programs of one name it builds one, without a word.
    @Test func everyModuleCarriesTheNameOfThePackage() {
        for module in Self.modules where !Self.standalone.contains(module) {
            #expect(["ServiceKit", "CServiceKit", "servicekit-"].contains { module.hasPrefix($0) }, "\(module)")
        }
    }

    @Test func noServiceCanHaveTheNameOfAModule() {
        for module in Self.modules {
            #expect(ReservedNames.isModule(module), "\(module)")
        }
    }
}
