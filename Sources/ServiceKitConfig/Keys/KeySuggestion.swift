/// The message for an unknown key or name.
package enum KeySuggestion {
    /// The longest key that is compared with others. The cost is the product of both lengths.
    static let maximumComparedLength = 64

    /// The largest number of known keys in a message.
    static let maximumListed = 12

    /// The message for a name of some kind that is not among those linked in: `no balancer "p2d" is linked into this
    /// program; did you mean "p2c"? There are: p2c, round_robin`.
    package static func message(forMissing kind: String, _ name: String, known: [String]) -> String {
        let list = "here are: \(known.joined(separator: ", "))"
        let remedy = nearest(to: name, among: known).map { "did you mean \"\($0)\"? T\(list)" }
        return "no \(kind) \"\(name)\" is linked into this program; " + (remedy ?? "t\(list)")
    }

    /// `unknown key; did you mean "listen"?`, or a list of the known keys when none is similar. A path in the place of a key
    /// gets its nested form: `unknown key; write it nested, as in log: {level: …}`.
    static func message(for key: String, known: [String]) -> String {
        if let nested = nested(key, known: known) { return "unknown key; write it nested, as in \(nested)" }
        if let nearest = nearest(to: key, among: known) { return "unknown key; did you mean \"\(nearest)\"?" }
        guard !known.isEmpty else { return "unknown key; no keys are known here" }
        let rest = known.count > maximumListed ? ", …" : ""
        return "unknown key; known keys: " + known.prefix(maximumListed).joined(separator: ", ") + rest
    }

    /// The nested form of a path that begins with a known key; `nil` for another text.
    package static func nested(_ path: String, known: some Sequence<String>) -> String? {
        let keys = path.split(separator: ".", omittingEmptySubsequences: false)
        guard keys.count > 1, keys.count <= 8, !keys.contains(""), let first = keys.first, known.contains(String(first))
        else { return nil }
        let inner = keys.dropFirst().reversed().reduce("…") { "{\($1): \($0)}" }
        return "\(first): \(inner)"
    }

    /// The most similar of `candidates`; the first of equals. `nil` if all differ in too many characters: of `share`
    /// characters one may differ, and one always may.
    package static func nearest(to key: String, among candidates: [String], differingInOneOf share: Int = 3) -> String?
    {
        guard key.utf8.count <= maximumComparedLength else { return nil }
        let key = Array(key)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate.utf8.count <= maximumComparedLength {
            let other = Array(candidate)
            let length = max(key.count, other.count)
            let distance = distance(key, other)
            guard distance <= max(1, length / share), distance < length else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// The number of insertions, deletions, substitutions and swaps of neighbours that turn one word into the other:
    /// the Damerau–Levenshtein distance in its restricted form (optimal string alignment).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                let substitution = last[j] + (left[i] == right[j] ? 0 : 1)
                var least = min(last[j + 1] + 1, row[j] + 1, substitution)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    least = min(least, beforeLast[j - 1] + 1)
                }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
