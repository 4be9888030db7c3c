public import ServiceKit
private import GRPCNghttp2Transport
internal import ServiceKitConfig
internal import ServiceKitGRPC

extension Plugin {
    /// HTTP for the handlers of gRPC, on the same port unless `server.http.listen` names another: REST, Connect, gRPC-Web and probes, over HTTP/1.1 and HTTP/2, as the
    /// section `server.http` says.
    public static var http: Plugin {
        Plugin(
            joining:
                .adding(to: ConfigurationSections.self) {
                    $0.addServer(HTTPOptions.self, named: HTTPOptions.serverName)
                },
            .adding(to: AppExtensions.self) { extensions in
                extensions.add { app in
                    let options = try app.configuration.serverOptions(
                        HTTPOptions.self, named: HTTPOptions.serverName)
                    guard options.enabled else { return }
                    let port =
                        options.listen.map { OtherRequests.Port.own(name: HTTPOptions.serverName, $0) } ?? .shared
                    app.otherRequests.set(on: port) { app, descriptors in
                        let limits = try app.configuration.decodeIfPresent(
                            LimitOptions.self, at: "server.grpc.limits")
                        let forms = try MethodForms(
                            descriptors, app.http, options,
                            maxMessageBytes: (limits ?? LimitOptions()).maxMessage.bytes)
                        let operations = app.http.all.map(\.operationPath)
                        app.servedOperations.update { $0 = ($0 ?? []).union(operations) }
                        let openAPI = try OpenAPIPages(options, descriptors, for: app)
                        let health = app.health
                        return { methods in
                            HTTPRequestHandler(
                                methods: methods, forms: forms, options: options, openAPI: openAPI,
                                isReady: { health.value.isServing })
                        }
                    }
                }
            }
        )
    }
}
