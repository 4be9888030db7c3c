/// A fault of descriptors, or of a message that is read with them. The text is one line.
package struct DescriptorError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
