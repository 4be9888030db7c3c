import Testing

@testable import ServiceKitHTTP2

@Suite struct ReceiveWindowTests {
    @Test func takenBytesAreGivenBack() {
        var window = ReceiveWindow(size: 100)
        window.received = 100
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 0)
        window.taken = 24
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 0, "too little to be worth it")
        window.taken = 25
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 25)
        window.taken = 100
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 75)
    }

    @Test func incompleteMessageIsGivenBackWhileTheReaderWaits() {
        var window = ReceiveWindow(size: 100)
        window.received = 100
        #expect(window.takeCredit(isReaderWaiting: true, hasEnded: false) == 100)
        window.received = 200
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 0)
        // The message of 150 bytes is complete and taken: all but 50 of its bytes were given back before.
        window.taken = 150
        #expect(window.takeCredit(isReaderWaiting: false, hasEnded: false) == 50)
    }

    @Test func endedStreamGivesNothingBack() {
        var window = ReceiveWindow(size: 100)
        window.received = 100
        window.taken = 100
        #expect(!window.isCreditDue(isReaderWaiting: false, hasEnded: true))
    }
}
