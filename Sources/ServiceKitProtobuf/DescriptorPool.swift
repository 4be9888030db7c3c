package import SwiftProtobuf

/// Descriptor files, with their declarations by full name: `user.v1.User`.
///
/// Of several files with one name the first counts. A file may import a missing file. Then only a look-up that needs
/// the missing file is an error.
package struct DescriptorPool: Sendable {
    /// The largest depth of nested message declarations.
    static let maxDepth = 100

    private(set) var files: [String: Google_Protobuf_FileDescriptorProto] = [:]
    private var messages: [String: MessageType] = [:]
    private var enums: [String: EnumType] = [:]
    private var services: [String: ServiceType] = [:]
    /// The name of the file that declares a symbol.
    private var fileBySymbol: [String: String] = [:]
    /// The name of the file that declares an extension, by the message type and the number.
    private var fileByExtension: [String: [Int32: String]] = [:]

    package init() {}

    /// Throws ``DescriptorError`` when two files declare the same name, or declarations are nested too deep.
    package init(_ files: [Google_Protobuf_FileDescriptorProto]) throws(DescriptorError) {
        for file in files { try add(file) }
    }

    /// Adds a file, unless the pool has a file of its name. Throws ``DescriptorError`` when another file declares the
    /// same name, or declarations are nested too deep.
    package mutating func add(_ file: Google_Protobuf_FileDescriptorProto) throws(DescriptorError) {
        if files[file.name] != nil { return }
        files[file.name] = file
        let prefix = file.package.isEmpty ? "" : file.package + "."
        let features = Features(file)
        for message in file.messageType { try add(message, prefix, features, in: file.name) }
        for type in file.enumType { try add(type, prefix, features, in: file.name) }
        for field in file.extension { try add(extension: field, prefix, in: file.name) }
        for proto in file.service {
            let service = ServiceType(proto, prefix: prefix)
            try declare(service.name, in: file.name)
            for method in service.methods { try declare("\(service.name).\(method.name)", in: file.name) }
            services[service.name] = service
        }
    }

    private mutating func add(
        _ proto: Google_Protobuf_DescriptorProto,
        _ prefix: String,
        _ features: Features,
        in file: String,
        depth: Int = 1
    ) throws(DescriptorError) {
        guard depth <= Self.maxDepth else {
            throw DescriptorError("\(file) nests message declarations more than \(Self.maxDepth) deep")
        }
        let features = proto.options.hasFeatures ? features.with(proto.options.features) : features
        let message = MessageType(proto, prefix: prefix, features: features)
        let inner = message.name + "."
        try declare(message.name, in: file)
        var previous: Int32 = 0
        for field in message.fields {
            // The fields ascend by number.
            guard field.number > previous, field.number <= 0x1FFF_FFFF,
                field.oneof.map(message.oneofs.indices.contains) ?? true
            else { throw DescriptorError("\(file): \(inner)\(field.name) has the number or the oneof of no field") }
            previous = field.number
            try declare(inner + field.name, in: file)
        }
        for oneof in message.oneofs { try declare(inner + oneof, in: file) }
        messages[message.name] = message
        for nested in proto.nestedType { try add(nested, inner, features, in: file, depth: depth + 1) }
        for type in proto.enumType { try add(type, inner, features, in: file) }
        for field in proto.extension { try add(extension: field, inner, in: file) }
    }

    private mutating func add(
        _ proto: Google_Protobuf_EnumDescriptorProto,
        _ prefix: String,
        _ features: Features,
        in file: String
    ) throws(DescriptorError) {
        let features = proto.options.hasFeatures ? features.with(proto.options.features) : features
        let type = EnumType(
            name: prefix + proto.name, values: proto.value.map { ($0.name, $0.number) }, isClosed: features.isClosed)
        try declare(type.name, in: file)
        // The values are siblings of the enum, as in C++.
        for value in type.values { try declare(prefix + value.name, in: file) }
        enums[type.name] = type
    }

    private mutating func add(
        extension field: Google_Protobuf_FieldDescriptorProto,
        _ prefix: String,
        in file: String
    ) throws(DescriptorError) {
        try declare(prefix + field.name, in: file)
        fileByExtension[field.extendee.fullName, default: [:]][field.number] = file
    }

    private mutating func declare(_ symbol: String, in file: String) throws(DescriptorError) {
        if let other = fileBySymbol.updateValue(file, forKey: symbol) {
            throw DescriptorError(
                other == file ? "\(file) declares \(symbol) twice" : "\(other) and \(file) both declare \(symbol)"
            )
        }
    }

    // MARK: - Look-up

    package var fileCount: Int { files.count }

    /// All message types.
    var messageTypes: some Collection<MessageType> { messages.values }
    /// All enums.
    var enumTypes: some Collection<EnumType> { enums.values }

    /// All services.
    package var allServices: some Collection<ServiceType> { services.values }

    /// The service with a full name.
    package func service(_ name: String) -> ServiceType? { services[name] }

    /// The message type with a full name. Throws ``DescriptorError`` when it is missing.
    package func message(_ name: String) throws(DescriptorError) -> MessageType {
        guard let message = messages[name] else { throw DescriptorError("no descriptor of the message \(name)") }
        return message
    }

    /// The enum with a full name. Throws ``DescriptorError`` when it is missing.
    package func enumeration(_ name: String) throws(DescriptorError) -> EnumType {
        guard let type = enums[name] else { throw DescriptorError("no descriptor of the enum \(name)") }
        return type
    }

    package func file(_ name: String) -> Google_Protobuf_FileDescriptorProto? { files[name] }

    /// The file that declares a symbol: a type, a field, an enum value, a service, a method, or an extension.
    package func file(declaring symbol: String) -> Google_Protobuf_FileDescriptorProto? {
        fileBySymbol[symbol].flatMap { files[$0] }
    }

    /// The file that declares an extension of a message type.
    package func file(declaringExtension number: Int32, of message: String) -> Google_Protobuf_FileDescriptorProto? {
        fileByExtension[message]?[number].flatMap { files[$0] }
    }

    /// The numbers of the extensions of a message type, ascending; `nil` when the type is unknown.
    package func extensionNumbers(of message: String) -> [Int32]? {
        guard let extensions = fileByExtension[message] else { return messages[message].map { _ in [] } }
        return extensions.keys.sorted()
    }

    /// A file with all its imports that the pool has. Each file comes after its own imports.
    package func closure(of file: Google_Protobuf_FileDescriptorProto) -> [Google_Protobuf_FileDescriptorProto] {
        var result: [Google_Protobuf_FileDescriptorProto] = []
        var seen: Set = [file.name]
        // Walks the imports without recursion: a file from outside may import to any depth.
        var path = [(file: file, next: 0)]
        while let (file, next) = path.last {
            guard next < file.dependency.count else {
                result.append(file)
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let name = file.dependency[next]
            if seen.insert(name).inserted, let imported = files[name] { path.append((imported, 0)) }
        }
        return result
    }

    /// The names of the imported files that the pool lacks, sorted.
    package var missingFiles: [String] { Set(files.values.lazy.flatMap(\.dependency)).subtracting(files.keys).sorted() }
}

extension DescriptorPool {
    /// Reads serialized `google.protobuf.FileDescriptorSet`s in base64. Throws ``DescriptorError``.
    package init(base64 sets: [String]) throws(DescriptorError) {
        self.init()
        for text in sets {
            guard let bytes = Base64.decode(text),
                let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
            else {
                throw DescriptorError("not a google.protobuf.FileDescriptorSet in base64: \(text.prefix(40))…")
            }
            for file in set.file { try add(file) }
        }
    }
}
