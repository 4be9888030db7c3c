import ServiceKitHTTP2
import Testing

@testable import GRPCNghttp2Transport

@Suite struct PathTableTests {
    @Test(arguments: [0, 1, 2, 3, 100]) func eachPathIsFoundAndNoOther(_ count: Int) {
        // Some end alike, some have the same length.
        let paths = (0..<count).map { "/package.v\($0 % 7).Service/Method\($0 / 2)x\($0)" }
        let table = PathTable(Dictionary(uniqueKeysWithValues: zip(paths, 0...)))
        for (index, path) in paths.enumerated() {
            let found = path.withBytes { table.find($0) }
            #expect(found?.path == path && found?.value == index)
            for other in [path + "x", String(path.dropLast()), "x" + path.dropFirst(), ""] {
                #expect(other.withBytes { table.find($0) } == nil)
            }
        }
        #expect("/a/b".withBytes { table.find($0) } == nil)
    }
}
