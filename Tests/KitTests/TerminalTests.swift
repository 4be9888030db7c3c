import Testing

@testable import ServiceKitCommand

@Suite struct TerminalTests {
    @Test func textIsPlainWhereThereIsNoTerminal() {
        #expect(Terminal.output.hasColor || Terminal.output.styled("text", .red) == "text")
    }
}
