import EtcdClient
import Foundation

/// The tutorial's client: `tutorial-client hand|channel [CALLS]`.
@main struct Client {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        let calls = arguments.dropFirst().first.map { Int($0) } ?? 6
        let etcd = ProcessInfo.processInfo.environment["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379"
        do {
            switch (arguments.first, calls) {
            case ("hand", let calls?): try await callByHand(calls, etcd: etcd)
            case ("channel", let calls?): try await callThroughChannel(calls, etcd: etcd)
            default: fail("usage: tutorial-client hand|channel [CALLS]", code: 64)
            }
        } catch {
            fail("\(error)", code: 1)
        }
    }

    /// Prints a line at once, also into a pipe.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(code)
    }
}
