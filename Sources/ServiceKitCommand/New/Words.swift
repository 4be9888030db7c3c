import ServiceKitConfig

/// The words of a name in lower case: `user`, `service`. Every spelling of the name comes from them.
struct Words: Hashable, Sendable {
    let words: [String]

    init(_ words: [String]) {
        self.words = words
    }

    /// Splits `user-service`, `user_service`, `userService` or `UserService` into words. An abbreviation ends before a
    /// capital that a small letter follows, as in `HTTPProxy`.
    init(splitting name: String) {
        words = KeyNaming.kebabCase(name).split { $0 == "-" || $0 == "_" }.map(String.init)
    }

    /// `user-service`.
    var kebab: String { words.joined(separator: "-") }
    /// `user_service`.
    var snake: String { words.joined(separator: "_") }
    /// `user service`.
    var phrase: String { words.joined(separator: " ") }
    /// `UserService`.
    var upperCamel: String { words.map(Self.capitalized).joined() }
    /// `userService`.
    var lowerCamel: String { words.prefix(1).joined() + words.dropFirst().map(Self.capitalized).joined() }
    /// `USER_SERVICE`.
    var constant: String { snake.uppercased() }

    /// The words, with another form of the last one.
    func replacingLast(_ change: (String) -> String) -> Words {
        guard let last = words.last else { return self }
        return Words(words.dropLast() + [change(last)])
    }

    static func capitalized(_ word: String) -> String {
        word.prefix(1).uppercased() + word.dropFirst()
    }
}

/// The little English that names of things need.
enum English {
    /// Words whose singular is their plural.
    private static let uncountable: Set<String> = ["news", "series", "species"]

    /// `users`, `categories`, `addresses`.
    static func plural(_ word: String) -> String {
        if uncountable.contains(word) { return word }
        if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
            return word.dropLast() + "ies"
        }
        let hisses = ["s", "x", "z", "ch", "sh"].contains { word.hasSuffix($0) }
        return word + (hisses ? "es" : "s")
    }

    /// The singular of a word that looks like a plural; any other word stays unchanged.
    static func singular(_ word: String) -> String {
        if uncountable.contains(word) { return word }
        if word.hasSuffix("ies"), word.count > 4 { return word.dropLast(3) + "y" }
        if ["sses", "xes", "ches", "shes"].contains(where: { word.hasSuffix($0) }) { return String(word.dropLast(2)) }
        let isSingular = ["ss", "us", "is"].contains { word.hasSuffix($0) }
        return word.hasSuffix("s") && !isSingular && word.count > 3 ? String(word.dropLast()) : word
    }

    /// `a` or `an`, by the beginning of a phrase.
    static func article(_ phrase: String) -> String {
        let soundsLikeYou = ["us", "uni", "eu"].contains { phrase.hasPrefix($0) }
        return "aeiou".contains(phrase.prefix(1)) && !soundsLikeYou ? "an" : "a"
    }
}
