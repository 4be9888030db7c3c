public import GRPCCore

/// The methods of the service of notes, described as generated code does it.
public enum NoteMethod {
    /// Unary: answers with the note of the request.
    public static let echo = MethodDescriptor(fullyQualifiedService: "benchmark.v1.Notes", method: "Echo", type: .unary)
}
