public import ServiceKit
private import GRPCNghttp2Transport
internal import ServiceKitConfig
internal import ServiceKitGRPC

extension Plugin {
    /// HTTP on the port of gRPC, for the same handlers: REST, Connect, gRPC-Web and probes, over HTTP/1.1 and HTTP/2, as the
    /// section `server.http` says.
    public static var http: Plugin {
        Plugin(
            joining:
                .adding(to: ConfigurationSections.self) { $0.add(HTTPOptions.self, at: HTTPOptions.path) },
            .adding(to: AppExtensions.self) { extensions in
                extensions.add { app in
                    let options = try app.configuration.decode(HTTPOptions.self, at: HTTPOptions.path)
                    guard options.enabled else { return }
                    app.otherRequests.set { app, descriptors in
                        let forms = try MethodForms(descriptors, app.http, options)
                        let operations = app.http.all.map(\.operation.path)
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
