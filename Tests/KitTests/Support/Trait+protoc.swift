import Testing

@testable import ServiceKitCommand

extension Trait where Self == ConditionTrait {
    /// Only where protoc is.
    static var protoc: Self {
        .enabled("protoc is missing: apt-get install protobuf-compiler") { await ToolRun.exists("protoc") }
    }

    /// Only where protoc and its Swift plugins are, which `swift build --build-tests` does not build.
    static var protocPlugins: Self {
        .enabled("protoc or a plugin of it is missing: apt-get install protobuf-compiler; scripts/proto") {
            await ToolRun.exists("protoc") && ProtoPlugins.built != nil
        }
    }
}
