import ServiceKitCommand
import SwiftProtobufPluginLibrary

@main enum Main {
    static func main() { DirectPlugin.main() }
}
