import Foundation
import Logging
@testable import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Files that values name.
extension ConfigurationStoreTests {
    @Test func fileThatAValueNamesIsFollowed() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("6\n", to: "calls")
            try await Self.running("limits: {calls: \"@file:\(file)\"}") { running in
                let limits = try running.store.live(Limits.self, at: "limits")
                #expect(limits.value.calls == 6)
                try directory.write(Array("7".utf8), to: "calls")
                await running.settle()
                try await eventually { limits.value.calls == 7 }
                try directory.remove("calls")
                await running.settle()
                try await eventually { running.store.status.refusal?.contains("cannot read the file \(file)") == true }
                #expect(limits.value.calls == 7)
                try directory.write("8", to: "calls")
                await running.settle()
                try await eventually { limits.value.calls == 8 }
            }
        }
    }

    @Test func fileThatAValueNamesIsReadWhenItIsClosed() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("6", to: "calls")
            try await Self.running("limits: {calls: \"@file:\(file)\"}") { running in
                let limits = try running.store.live(Limits.self, at: "limits")
                // The tests of a machine together may use up the inotify instances of the user.
                try await eventually {
                    running.store.valueFiles.watch([file])
                    return running.store.valueFiles.isComplete
                }
                let handle = try FileHandle(forWritingTo: URL(filePath: file))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data("7".utf8))
                running.source.set("limits: {calls: \"@file:\(file)\", burst: 2}")
                await running.settle()
                try handle.write(contentsOf: Data("5".utf8))
                try handle.close()
                await running.settle()
                try await eventually { limits.value.burst == 2 }
                #expect(limits.value == Limits(calls: 75, burst: 2))
                #expect(running.store.status.generation == 2)
            }
        }
    }
}
