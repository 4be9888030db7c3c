import Testing

@testable import kit

@Suite struct TerminalTests {
    @Test func textIsPlainWhereThereIsNoTerminal() {
        #expect(Terminal.output.hasColor || Terminal.output.styled("text", .red) == "text")
    }
}
