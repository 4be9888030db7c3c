import Foundation
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// An owner that can release its lock silently. A dying owner does the same: the kernel announces the closing of its
/// file first.
final class SilentOwner {
    let path: String
    private let file: FileHandle

    /// - Parameters:
    ///   - instance: The instance.
    ///   - place: The service's directory, by default named like the service.
    ///   - directory: The directory that holds it.
    init(_ instance: ServiceInstance, at place: String? = nil, in directory: TemporaryDirectory) throws {
        path = try directory.write("", to: "\(place ?? instance.name)/\(instance.id).json")
        file = FileHandle(fileDescriptor: open(path, O_RDWR | O_CLOEXEC), closeOnDealloc: true)
        try setLock(F_WRLCK)
        try file.write(contentsOf: InstanceFile.contents(for: instance))
    }

    func release() throws {
        try setLock(F_UNLCK)
    }

    private func setLock(_ type: Int32) throws {
        var lock = flock()
        lock.l_type = CShort(type)
        try #require(fcntl(file.fileDescriptor, 37 /* F_OFD_SETLK */, &lock) == 0)
    }
}
