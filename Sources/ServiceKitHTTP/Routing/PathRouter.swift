package import ServiceKitProtobuf

/// Finds what answers a request, by its method and path.
///
/// A trie of segments. A literal is tried before `*`, and `*` before `**`; the first route that fits and has the method is
/// taken. Each node of the trie is visited once at most, so a path costs no more than the number of routes.
package struct PathRouter<Target: Sendable>: Sendable {
    package struct Match: Sendable {
        fileprivate let route: Route
        /// The place of each variable's value in the path, in the template's order. The values are escaped as in the path.
        package let values: [Range<Int>]

        package var target: Target { route.target }
        package var template: PathTemplate { route.template }
    }

    package enum Result: Sendable {
        case found(Match)
        /// There are routes of the path, but only for these methods, sorted.
        case methodNotAllowed([String])
        case notFound
    }

    // An object: a match of each request refers to it.
    fileprivate final class Route: Sendable {
        let method: String
        let template: PathTemplate
        /// The name of the route, for errors.
        let name: String
        let target: Target

        init(method: String, template: PathTemplate, name: String, target: Target) {
            self.method = method
            self.template = template
            self.name = name
            self.target = target
        }
    }

    private struct Node: Sendable {
        /// The children by their literals, and the children of `*` and `**`; 0 if there is none.
        var literals: [Literal] = []
        var any = 0
        var rest = 0
        /// The routes that end here, by verb.
        var routes: [Int] = []
    }

    private struct Literal: Sendable {
        let text: [UInt8]
        let node: Int
    }

    /// The first node is the root.
    private var nodes = [Node()]
    private var routes: [Route] = []

    package init() {}

    package var isEmpty: Bool { routes.isEmpty }

    // MARK: - Adding

    /// Adds a route.
    ///
    /// - Parameters:
    ///   - method: The method of the request, or `*` for all that have no route of their own.
    ///   - name: The name of the route in errors: the method of the service.
    /// - Throws: ``RoutingError`` when another route has the same method and paths. The error names both.
    package mutating func add(
        _ method: String, _ template: PathTemplate, name: String, target: Target
    ) throws(RoutingError) {
        var node = 0
        for segment in template.segments { node = child(of: node, segment) }
        for index in nodes[node].routes
        where routes[index].method == method && routes[index].template.verb == template.verb {
            let other = routes[index]
            throw RoutingError(
                "\(other.name) and \(name) both answer \(method) \(template)"
                    + (other.template.description == template.description ? "" : ", as \(other.template)")
                    + "; change the path of one of them")
        }
        nodes[node].routes.append(routes.count)
        routes.append(Route(method: method, template: template, name: name, target: target))
    }

    private mutating func child(of node: Int, _ segment: PathTemplate.Segment) -> Int {
        switch segment {
        case .literal(let literal):
            let text = Array(literal.utf8)
            if let found = nodes[node].literals.first(where: { $0.text == text }) { return found.node }
            nodes[node].literals.append(Literal(text: text, node: nodes.count))
            // Long lists are searched by halves.
            nodes[node].literals.sort { $0.text.lexicographicallyPrecedes($1.text) }
        case .any:
            if nodes[node].any != 0 { return nodes[node].any }
            nodes[node].any = nodes.count
        case .rest:
            if nodes[node].rest != 0 { return nodes[node].rest }
            nodes[node].rest = nodes.count
        }
        nodes.append(Node())
        return nodes.count - 1
    }

    // MARK: - Finding

    /// Finds the route of a request.
    ///
    /// - Parameters:
    ///   - path: The path as it was sent, without the query.
    package func route(_ method: String, _ path: UnsafeBufferPointer<UInt8>) -> Result {
        guard path.first == UInt8(ascii: "/") else { return .notFound }
        var search = Search(method: method, path: path)
        if path.count > 1 {
            var start = 1
            for index in 1..<path.count where path[index] == UInt8(ascii: "/") {
                search.segments.append(start..<index)
                start = index + 1
            }
            search.segments.append(start..<path.count)
        }
        let found = visit(0, 0, &search) ?? search.fallback
        guard let found else {
            return search.allowed.isEmpty ? .notFound : .methodNotAllowed(Set(search.allowed).sorted())
        }
        let route = routes[found.route]
        let values = route.template.variables.map { variable in
            let end = variable.segments.upperBound
            let isLast = end == route.template.segments.count
            let start = search.segment(variable.segments.lowerBound, path.count).lowerBound
            // A `**` takes all segments that remain, or none.
            let stop =
                isLast && !route.template.verb.isEmpty
                ? path.count - route.template.verb.utf8.count - 1
                : isLast ? path.count : search.segments[end - 1].upperBound
            return min(start, stop)..<stop
        }
        return .found(Match(route: route, values: values))
    }

    /// Finds the route of a request. The path is a string without the query.
    package func route(_ method: String, _ path: String) -> Result {
        var path = path
        return path.withUTF8 { route(method, $0) }
    }

    private struct Search {
        let method: String
        let path: UnsafeBufferPointer<UInt8>
        var segments: [Range<Int>] = []
        /// The methods of the routes that fit, some several times.
        var allowed: [String] = []
        /// The first route for all methods that fits.
        var fallback: (route: Int, hasVerb: Bool)?

        func segment(_ index: Int, _ end: Int) -> Range<Int> { index < segments.count ? segments[index] : end..<end }
    }

    private func visit(_ index: Int, _ depth: Int, _ search: inout Search) -> (route: Int, hasVerb: Bool)? {
        let node = nodes[index]
        if depth == search.segments.count {
            if let found = choose(node, &search, verb: nil) { return found }
            // `**` may be no segment at all.
            return node.rest == 0 ? nil : choose(nodes[node.rest], &search, verb: nil)
        }
        let segment = search.segments[depth]
        let isLast = depth == search.segments.count - 1
        let colon = isLast ? search.path[segment].lastIndex(of: UInt8(ascii: ":")) : nil
        // The text behind the last colon may be a verb, or a part of the segment.
        for verb in [colon, nil] where colon != nil || verb == nil {
            let content = segment.lowerBound..<(verb ?? segment.upperBound)
            let hasVerb = verb.map { UnsafeBufferPointer(rebasing: search.path[($0 + 1)..<segment.upperBound]) }
            if let child = literal(node, search.path[content]) {
                if let found = step(child, depth, &search, verb: hasVerb) { return found }
            }
            if node.any != 0, !content.isEmpty, let found = step(node.any, depth, &search, verb: hasVerb) {
                return found
            }
            if verb == nil { break }
        }
        guard node.rest != 0 else { return nil }
        let last = search.segments[search.segments.count - 1]
        if let colon = search.path[last].lastIndex(of: UInt8(ascii: ":")) {
            let verb = UnsafeBufferPointer(rebasing: search.path[(colon + 1)..<last.upperBound])
            if let found = choose(nodes[node.rest], &search, verb: verb) { return found }
        }
        return choose(nodes[node.rest], &search, verb: nil)
    }

    private func step(
        _ child: Int, _ depth: Int, _ search: inout Search, verb: UnsafeBufferPointer<UInt8>?
    ) -> (route: Int, hasVerb: Bool)? {
        if let verb { return choose(nodes[child], &search, verb: verb) }
        return visit(child, depth + 1, &search)
    }

    /// Chooses the route of a node that has the method and the verb.
    private func choose(
        _ node: Node, _ search: inout Search, verb: UnsafeBufferPointer<UInt8>?
    ) -> (route: Int, hasVerb: Bool)? {
        for index in node.routes {
            let route = routes[index]
            if let verb {
                guard !route.template.verb.isEmpty, route.template.verb.utf8.elementsEqual(verb) else { continue }
            } else {
                guard route.template.verb.isEmpty else { continue }
            }
            if route.method == search.method { return (index, verb != nil) }
            if route.method == "*" {
                if search.fallback == nil { search.fallback = (index, verb != nil) }
            } else {
                search.allowed.append(route.method)
            }
        }
        return nil
    }

    private func literal(_ node: Node, _ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        var low = 0
        var high = node.literals.count
        while low < high {
            let middle = (low + high) / 2
            let candidate = node.literals[middle].text
            if candidate.elementsEqual(text) { return node.literals[middle].node }
            if candidate.lexicographicallyPrecedes(text) { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
