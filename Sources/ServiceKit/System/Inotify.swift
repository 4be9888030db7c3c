package import Dispatch
import Glibc

/// The kernel's notices about directories: inotify(7).
package final class Inotify: Sendable {
    package struct Event: Sendable {
        /// The directory, as ``add(_:)`` returned it; none when notices were lost.
        let watch: CInt
        /// The file; empty when the notice is about the directory itself.
        let name: String
        private let mask: UInt32

        fileprivate init(watch: CInt, mask: UInt32, name: String) {
            self.watch = watch
            self.mask = mask
            self.name = name
        }

        /// Whether a file that was open for writing was closed, perhaps because its process died.
        var isClosed: Bool { mask & UInt32(IN_CLOSE_WRITE) != 0 }
        /// Whether a file, directory or link was created.
        var isCreation: Bool { mask & UInt32(IN_CREATE) != 0 }
        /// Whether the queue was full, and notices were lost.
        var isOverflow: Bool { mask & UInt32(IN_Q_OVERFLOW) != 0 }
        /// Whether the directory was deleted, moved away or unmounted.
        var isGone: Bool { mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED) != 0 }
    }

    private let descriptor: CInt
    // Dispatch objects may be used from any thread; Swift's overlay does not say so of sources.
    private nonisolated(unsafe) let source: any DispatchSourceRead

    /// Starts to listen, and hands events over in the queue, in their order. Throws when the user has as many listeners
    /// as the system allows.
    package init(queue: DispatchQueue, handle: @escaping @Sendable ([Event]) -> Void) throws(SystemError) {
        let descriptor = inotify_init1(CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("start", "inotify") }
        self.descriptor = descriptor
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { handle(Inotify.events(descriptor)) }
        source.setCancelHandler { _ = close(descriptor) }
        source.resume()
    }

    /// Ends it. The descriptor is closed once the handler is not running.
    package func cancel() {
        source.cancel()
    }

    /// Watches a directory. A directory that is watched already keeps its number.
    ///
    /// Creation is of interest only where links and directories are: a new file is complete when it is renamed or closed.
    package func add(_ directory: String, seesCreation: Bool = false) throws(SystemError) -> CInt {
        // A file that has left the directory tells nothing (IN_EXCL_UNLINK): when an owner replaces its file, closing the
        // old one is no death.
        let mask =
            IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
            | (seesCreation ? IN_CREATE : 0) | Int32(IN_EXCL_UNLINK) | Int32(IN_ONLYDIR) | Int32(IN_DONT_FOLLOW)
        let watch = inotify_add_watch(descriptor, directory, UInt32(mask))
        guard watch >= 0 else { throw SystemError("watch directory", directory) }
        return watch
    }

    func remove(_ watch: CInt) {
        _ = inotify_rm_watch(descriptor, watch)
    }

    private static func events(_ descriptor: CInt) -> [Event] {
        var events: [Event] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = retrying { read(descriptor, &buffer, buffer.count) }
        buffer.prefix(max(count, 0)).withUnsafeBytes { bytes in
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= bytes.count {
                let header = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                let start = offset + MemoryLayout<inotify_event>.size
                offset = start + Int(header.len)
                guard offset <= bytes.count else { break }
                let name = String(decoding: bytes[start..<offset].prefix { $0 != 0 }, as: UTF8.self)
                events.append(Event(watch: header.wd, mask: header.mask, name: name))
            }
        }
        return events
    }
}
