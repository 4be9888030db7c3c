// Documents that are written in code: `["type": "string", "maxLength": 5]`.

extension JSONValue: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(members.map { Member($0.0, $0.1) })
    }
}

extension JSONValue: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self = .string(text) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    package init(integerLiteral number: Int) { self = .number(String(number)) }
}

extension JSONValue: ExpressibleByBooleanLiteral {
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue {
    /// A member of an object; `nil` if there is none, or the value is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Adds a member to an object, behind the others.
    mutating func append(_ name: String, _ value: JSONValue) {
        guard case .object(var members) = self else { return }
        self = .null
        members.append(Member(name, value))
        self = .object(members)
    }

    /// Sets a member of an object in its place, or behind the others; `nil` removes it.
    mutating func set(_ name: String, _ value: JSONValue?) {
        guard case .object(var members) = self else { return }
        self = .null
        let index = members.firstIndex { $0.name == name }
        switch (index, value) {
        case (let index?, let value?): members[index].value = value
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append(Member(name, value))
        case (nil, nil): break
        }
        self = .object(members)
    }

    /// An object with the members of another behind its own.
    func adding(_ other: JSONValue) -> JSONValue {
        guard case .object(let members) = self, case .object(let more) = other else { return self }
        return .object(members + more)
    }
}
