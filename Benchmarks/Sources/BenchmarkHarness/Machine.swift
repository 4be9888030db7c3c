import Glibc

/// The machine that measures, and its other load.
enum Machine {
    /// The number of its cores, and its load averages of the last 1, 5 and 15 minutes.
    static var description: String {
        var loads = [Double](repeating: .nan, count: 3)
        getloadavg(&loads, CInt(loads.count))
        return "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores, load averages "
            + loads.map { $0.formatted() }.joined(separator: " ")
    }
}
