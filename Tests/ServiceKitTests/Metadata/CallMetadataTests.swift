import ServiceContextModule
import Testing

@testable import ServiceKit

@Suite struct CallMetadataTests {
    @Test func namesAreLowerCaseAndRepeatable() {
        var metadata: CallMetadata = ["X-A": "1", "x-b": "2"]
        metadata.append("3", for: "x-A")
        #expect(metadata.map(\.name) == ["x-a", "x-b", "x-a"])
        #expect(metadata["X-a"] == "1")
        #expect(metadata.values(of: "X-A") == ["1", "3"])
        #expect(metadata["x-c"] == nil && metadata.values(of: "x-c").isEmpty)
        #expect(metadata.count == 3 && metadata[1].value == "2")
    }

    @Test func settingReplacesAllValuesOfAName() {
        var metadata: CallMetadata = ["x-a": "1", "x-b": "2", "x-a": "3"]
        metadata["X-A"] = "4"
        #expect(metadata == ["x-b": "2", "x-a": "4"])
        metadata["x-b"] = nil
        metadata.remove("X-A")
        #expect(metadata.isEmpty)
    }

    @Test func binaryValuesAreNotText() {
        var metadata = CallMetadata()
        metadata.append(.binary([1, 2]), for: "x-a-bin")
        #expect(metadata["x-a-bin"] == nil)
        #expect(metadata.values(of: "x-a-bin") == [.binary([1, 2])])
    }

    @Test func mergingReplacesNamesAsAWhole() {
        var metadata: CallMetadata = ["x-a": "1", "x-b": "2", "x-a": "3"]
        metadata.merge(["x-a": "4", "x-c": "5", "x-c": "6"])
        #expect(metadata == ["x-b": "2", "x-a": "4", "x-c": "5", "x-c": "6"])
        metadata.merge([:])
        #expect(metadata.count == 4)
    }

    @Test func filteringKeepsTheOrder() {
        let metadata: CallMetadata = ["x-a": "1", "y": "2", "x-b": "3"]
        #expect(metadata.filter { $0.name.hasPrefix("x-") } == ["x-a": "1", "x-b": "3"])
    }

    @Test func outgoingMetadataNests() async {
        await withOutgoingMetadata(["x-a": "1", "x-b": "1"]) {
            await withOutgoingMetadata(["x-b": "2", "x-c": "2"]) {
                #expect(ServiceContext.current?.outgoingMetadata == ["x-a": "1", "x-b": "2", "x-c": "2"])
            }
            #expect(ServiceContext.current?.outgoingMetadata == ["x-a": "1", "x-b": "1"])
        }
        #expect(ServiceContext.current?.outgoingMetadata == nil)
    }
}
