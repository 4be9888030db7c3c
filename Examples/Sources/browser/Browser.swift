import Foundation
import GuestbookAPI
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP

/// A guest book with a page for browsers: `browser --set server.listen=127.0.0.1:9000`, then `http://127.0.0.1:9000/`.
@main struct Browser {
    static func main() async {
        await App.run(plugins: [.http]) { app in
            let entries = Entries()
            app.serve(GuestbookProvider(entries: entries), descriptors: guestbookDescriptors)
            // The streams of the watching pages end when the stop begins. The pages connect again by themselves.
            app.beforeStop { entries.endWatches() }
            app.http.files(at: "/", from: Bundle.module.bundlePath + "/public")
        }
    }
}
