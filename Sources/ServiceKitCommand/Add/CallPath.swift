import ServiceKitProtobuf
import SwiftProtobuf

/// The path over HTTP of a call that is added: `/v1/users:rename` for `RenameUser`.
enum CallPath {
    /// The path, below the paths of the service's other calls; `nil` if the file has no paths over HTTP.
    static func path(
        of call: String, in service: Google_Protobuf_ServiceDescriptorProto,
        of file: Google_Protobuf_FileDescriptorProto,
        _ set: ProtoSet
    ) -> String? {
        guard file.dependency.contains("google/api/annotations.proto") else { return nil }
        let name = (file.package.isEmpty ? "" : file.package + ".") + service.name
        let taken = set.httpPaths(of: name)
        // The segments before the first variable: `/v1/users`.
        guard let first = taken.first else { return nil }
        let base = first.prefix { $0 != ":" && $0 != "{" && $0 != "*" }
        let segments = base.split(separator: "/")
        let collection = "/" + segments.joined(separator: "/")
        var words = Words(splitting: call).words
        // The collection says what the call is about.
        let things = Words(splitting: segments.last.map(String.init) ?? "").replacingLast(English.singular)
        let singular = words.dropLast() + [English.singular(words.last ?? "")]
        if words.count > things.words.count, singular.suffix(things.words.count).elementsEqual(things.words) {
            words.removeLast(things.words.count)
        }
        let paths = ["\(collection):\(Words(words).lowerCamel)", "\(collection):\(Words(splitting: call).lowerCamel)"]
        return paths.first { !taken.contains($0) }
    }
}
