import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKit

@Suite struct StandardFilesTests {
    @Test func pipeIsAFile() throws {
        let pipe = try StalledPipe(isFull: false)
        #expect(StandardFiles.isFile(pipe.writer))
        #expect(StandardFiles.descriptor(pipe.writer) == pipe.writer)
    }

    @Test func eventQueueIsNotAFile() throws {
        let queue = inotify_init1(Int32(IN_CLOEXEC))
        try #require(queue >= 0)
        defer { close(queue) }
        #expect(!StandardFiles.isFile(queue))
        let other = StandardFiles.descriptor(queue)
        #expect(other != queue && StandardFiles.isFile(other))
        close(other)
    }
}
