package import Dispatch
import Glibc

/// The kernel's notices about directories and files: inotify(7).
package final class Inotify: Sendable {
    /// The notices of interest.
    package enum Subject {
        /// The files of a directory: written and closed, renamed, deleted. A new file is complete when it is renamed or
        /// closed.
        case files
        /// As ``files``, and everything that is created, such as links and directories.
        case entries
        /// A directory itself: moved away, deleted.
        case place
        /// A file: each writing, and the end of it.
        case writing

        fileprivate var mask: Int32 {
            // A file that has left the directory tells nothing (IN_EXCL_UNLINK): when an owner replaces its file, closing
            // the old one is no death.
            let files = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | Int32(IN_EXCL_UNLINK)
            let place = IN_DELETE_SELF | IN_MOVE_SELF | Int32(IN_ONLYDIR)
            return switch self {
            case .files: files | place
            case .entries: files | place | IN_CREATE
            case .place: place
            case .writing: IN_MODIFY | IN_CLOSE_WRITE
            }
        }
    }

    package struct Event: Sendable {
        /// The directory or file, as ``add(_:_:)`` returned it; none when notices were lost.
        let watch: CInt
        /// The entry of a directory; empty when the notice is about the directory or file itself.
        let name: String
        private let mask: UInt32

        fileprivate init(watch: CInt, mask: UInt32, name: String) {
            self.watch = watch
            self.mask = mask
            self.name = name
        }

        /// Whether a file that was open for writing was closed, perhaps because its process died.
        var isClosed: Bool { mask & UInt32(IN_CLOSE_WRITE) != 0 }
        /// Whether the contents of a file were changed, while it is open.
        var isWriting: Bool { mask & UInt32(IN_MODIFY) != 0 }
        /// Whether a file, directory or link was created.
        var isCreation: Bool { mask & UInt32(IN_CREATE) != 0 }
        /// Whether the queue was full, and notices were lost.
        var isOverflow: Bool { mask & UInt32(IN_Q_OVERFLOW) != 0 }
        /// Whether the directory was deleted, moved away or unmounted.
        var isGone: Bool { mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED) != 0 }
    }

    private let descriptor: CInt
    private let queue: DispatchQueue
    private let handle: @Sendable ([Event]) -> Void
    // Dispatch objects may be used from any thread; Swift's overlay does not say so of sources.
    private nonisolated(unsafe) let source: any DispatchSourceRead

    /// Starts to listen, and hands events over in the queue, in their order. Throws when the user has as many listeners
    /// as the system allows.
    package init(queue: DispatchQueue, handle: @escaping @Sendable ([Event]) -> Void) throws(SystemError) {
        let descriptor = inotify_init1(CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("start", "inotify") }
        self.descriptor = descriptor
        self.queue = queue
        self.handle = handle
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { handle(Inotify.events(descriptor)) }
        source.setCancelHandler { _ = close(descriptor) }
        source.resume()
    }

    /// Ends it. The descriptor is closed once the handler is not running.
    package func cancel() {
        source.cancel()
    }

    /// Hands the notices over that the kernel has by now. Do not call it in the queue.
    func drain() {
        queue.sync {
            while true {
                let events = Self.events(descriptor)
                if events.isEmpty { return }
                handle(events)
            }
        }
    }

    /// Watches a directory or a file. One that is watched already keeps its number. A symbolic link is not followed.
    package func add(_ path: String, _ subject: Subject = .files) throws(SystemError) -> CInt {
        let watch = inotify_add_watch(descriptor, path, UInt32(subject.mask | Int32(IN_DONT_FOLLOW)))
        guard watch >= 0 else { throw SystemError("watch", path) }
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
