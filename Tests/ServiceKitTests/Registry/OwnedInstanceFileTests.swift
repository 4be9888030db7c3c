import Glibc
import Logging
import ServiceKitTestSupport
import Testing

@testable import ServiceKit

/// The rules by which owners, readers and cleaners share a file, with all of them at work at once.
@Suite(.timeLimit(.minutes(4)))
struct OwnedInstanceFileTests {
    let directory: TemporaryDirectory
    let place: InstanceFile

    init() throws {
        directory = try TemporaryDirectory()
        place = InstanceFile(directory: directory.path, service: "user", id: "a")
    }

    @Test func readersSeeNoGapDuringUpdates() async throws {
        guard var file = try OwnedInstanceFile.claim(place) else { return #expect(Bool(false), "not claimed") }
        try file.publish(instance("a", version: "0"))
        let isDone = Watched(false)
        try await withThrowingTaskGroup { group in
            group.addTask { [place] in
                var looks = 0
                var last = 0
                while !isDone.value || looks == 0 {
                    await Task.yield()
                    let found = try place.read()
                    guard case .live(let instance) = found, let version = Int(instance.version) else {
                        Issue.record("after version \(last) a gap: \(found)")
                        return
                    }
                    #expect(version >= last)
                    last = version
                    looks += 1
                }
            }
            defer { isDone.set(true) }
            for version in 1...1000 {
                try file.publish(instance("a", version: "\(version)"))
                await Task.yield()
            }
        }
        try file.remove()
    }

    @Test func lockOfARemovedFileDoesNotCount() throws {
        let late = try OpenFile(place.path, O_RDWR | O_CREAT)
        try OwnedInstanceFile.claim(place)?.remove()
        #expect(try OwnedInstanceFile.claim(place, late) == nil)
        #expect(try OwnedInstanceFile.claim(place) != nil)
        #expect(try OwnedInstanceFile.claim(place, late) == nil)
    }

    @Test func onlyTheObservedLeftoverIsRemoved() throws {
        try directory.write("old", to: "a.json")
        let old = try #require(try FileStatus.ofLink(place.path))
        try directory.write("newer", to: "b.json")
        try directory.replace("a.json", with: "b.json")
        #expect(!Leftover.remove(place.path, old))
        let new = try #require(try FileStatus.ofLink(place.path))
        do {
            let owner = try OwnedInstanceFile.claim(place)
            #expect(!Leftover.remove(place.path, new))
            #expect(try owner?.isInPlace() == true)
        }
        #expect(Leftover.remove(place.path, new))
        #expect(try directory.contents() == [])
    }

    @Test func ownershipIsExclusive() async throws {
        let owners = Watched(0)
        let claims = Watched(0)
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { [place] in
                    for _ in 0..<5000 {
                        // This leaves time to concurrent tests whose events have to come in time.
                        await Task.yield()
                        guard let file = try OwnedInstanceFile.claim(place) else { continue }
                        owners.update { $0 += 1 }
                        claims.update { $0 += 1 }
                        for _ in 0..<5 {
                            #expect(try file.isInPlace())
                            #expect(owners.value == 1)
                        }
                        owners.update { $0 -= 1 }
                        try file.remove()
                    }
                }
            }
            group.addTask { [directory] in
                // A task that cleans up all the time.
                let oddities = Oddities(logger: Logger(label: "test"))
                let reader = ServiceReader(directory: directory.path, service: "user", oddities: oddities)
                for _ in 0..<1000 {
                    _ = try reader.instances()
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        #expect(claims.value > 0)
        #expect(try directory.contents() == [])
    }
}
