import FoundationEssentials
import Glibc

extension Check {
    static var system: [Check] {
        [
            Check("clock") {
                clock(await ToolRun.output("timedatectl", "show", "--property=NTPSynchronized", "--value"))
            },
            Check("open files", blocking: openFiles),
            Check(
                "inotify",
                blocking: {
                    inotify(
                        watches: number(in: "/proc/sys/fs/inotify/max_user_watches"),
                        instances: number(in: "/proc/sys/fs/inotify/max_user_instances")
                    )
                }
            ),
        ]
    }

    static func clock(_ answer: String?) -> Finding {
        switch answer?.filter(\.isLetter) {
        case "yes": .good("synchronised")
        case "no":
            .warning(
                "not synchronised; times in logs of several hosts cannot be compared",
                remedy: "timedatectl set-ntp true"
            )
        default: .good("cannot be checked here: no timedatectl")
        }
    }

    private static let fewestFiles: UInt64 = 1024

    private static func openFiles() -> Finding {
        var limit = rlimit()
        let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard result == 0 else { return .warning("the limit cannot be read") }
        let count = UInt64(limit.rlim_cur)
        return count >= fewestFiles
            ? .good("limit \(count)")
            : .warning("limit \(count); each connection and each instance is one", remedy: "ulimit -n 65536")
    }

    /// Judges the numbers of directories and of inotify instances that one user's processes can have; `nil` if the
    /// system has no such limit.
    static func inotify(watches: Int?, instances: Int?) -> Finding {
        guard let watches, let instances else { return .good("not on this system; changes are seen within a second") }
        if watches < 8192 {
            return .warning(
                "at most \(watches) directories can be watched; further changes are seen within a second",
                remedy: "sysctl fs.inotify.max_user_watches=524288"
            )
        }
        if instances < 64 {
            return .warning(
                "at most \(instances) processes can watch; others see changes within a second",
                remedy: "sysctl fs.inotify.max_user_instances=512"
            )
        }
        return .good("\(watches) watches, \(instances) instances")
    }

    private static func number(in file: String) -> Int? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        return Int(text.prefix { !$0.isNewline })
    }
}
