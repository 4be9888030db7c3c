import Foundation
import ServiceKit

/// Another process that owns an instance's file. It is written in another language from the documented format alone: it
/// takes the lock of `<directory>/<service>/<id>.json`, renames the contents in place, and waits to be killed.
struct OwnerProcess {
    /// The file has an owner, or the process has printed another line than "ready".
    struct Refused: Error, Equatable {
        let output: String
    }

    private static let script = """
        import fcntl, os, signal, struct, sys, time
        path, contents = sys.argv[1], sys.argv[2]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
        def locked(path, flags):
            file = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, write_lock)
            return file
        # A reader that finds the file before it is locked takes it for a leftover, and holds the lock while it removes it.
        for attempt in range(6):
            try:
                claim = locked(path, 0)
                if os.path.exists(path) and os.path.samestat(os.fstat(claim), os.stat(path)):
                    break
            except BlockingIOError:
                claim = None
            time.sleep(0.001 * 2 ** attempt)
        if claim is None:
            print("refused", flush=True)
            sys.exit(0)
        temporary = os.path.join(os.path.dirname(path), ".%d.tmp" % os.getpid())
        file = locked(temporary, os.O_EXCL)
        os.write(file, (contents % os.getpid()).encode())
        os.rename(temporary, path)
        os.close(claim)
        print("ready", flush=True)
        signal.pause()
        """

    let process = Process()
    var pid: Int { Int(process.processIdentifier) }

    /// Starts the process, and waits until it owns the file.
    ///
    /// - Throws: ``Refused`` when the file has an owner.
    init(_ instance: ServiceInstance, in directory: String) async throws {
        let endpoints = instance.endpoints.map { "\"\($0)\"" }.joined(separator: ",")
        let contents = """
            {"id":"\(instance.id)","name":"\(instance.name)","version":"\(instance.version)","metadata":null,
            "endpoints":[\(endpoints)],"pid":%d}
            """
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c", Self.script, "\(directory)/\(instance.name)/\(instance.id).json", contents,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = await withCheckedContinuation { continuation in
            // A thread of its own waits, so that no thread of the test blocks.
            Thread {
                var line = Data()
                while line.last != UInt8(ascii: "\n") {
                    let more = output.fileHandleForReading.availableData
                    if more.isEmpty { break }
                    line += more
                }
                continuation.resume(returning: String(decoding: line, as: UTF8.self))
            }.start()
        }
        guard line == "ready\n" else {
            await kill()
            throw Refused(output: line)
        }
    }

    /// Kills the process, and waits until it is gone.
    func kill() async {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        await withCheckedContinuation { continuation in
            Thread { [process] in
                process.waitUntilExit()
                continuation.resume()
            }.start()
        }
    }
}
