/// What descriptors, or a message that is read by them, do not allow; one line.
package struct DescriptorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and with what.
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
