/// The bodies of errors. No message has their names: names in protobuf have no hyphen.
enum OpenAPIErrors {
    /// A reference to the schema of an operation's errors.
    static func reference(of operation: HTTPOperation) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name(of: operation))")]
    }

    /// A reference to the schema of errors over REST.
    static let restReference: JSONValue = ["$ref": "#/components/schemas/rest-error"]

    /// The schema of errors over REST.
    static func rest(_ form: OpenAPIOptions.Errors) -> (name: String, value: JSONValue) {
        ("rest-error", form == .kratos ? kratos : google)
    }

    /// The schema of an operation's errors.
    static func schema(
        of operation: HTTPOperation, _ form: OpenAPIOptions.Errors
    ) -> (name: String, value: JSONValue) {
        operation.isConnect ? (name(of: operation), connect) : rest(form)
    }

    private static func name(of operation: HTTPOperation) -> String {
        operation.isConnect ? "connect-error" : "rest-error"
    }

    private static let kratos: JSONValue = [
        "type": "object", "description": "An error.",
        "properties": [
            "code": ["type": "integer", "format": "int32", "description": "The status of HTTP.", "examples": [404]],
            "reason": [
                "type": "string", "description": "The error for programs.", "examples": ["USER_NOT_FOUND"],
            ],
            "message": ["type": "string", "description": "The error for people."],
            "metadata": ["type": "object", "additionalProperties": ["type": "string"]],
        ],
        "required": ["code", "reason", "message", "metadata"],
    ]

    private static let google: JSONValue = [
        "type": "object", "description": "An error: google.rpc.Status.",
        "properties": [
            "code": [
                "type": "integer", "format": "int32", "description": "The number of the gRPC code.", "examples": [5],
            ],
            "message": ["type": "string", "description": "The error for people."],
            "details": [
                "type": "array",
                "items": ["type": "object", "properties": ["@type": ["type": "string"]], "additionalProperties": true],
            ],
        ],
        "required": ["code", "message"],
    ]

    private static let connect: JSONValue = [
        "type": "object", "description": "An error (https://connectrpc.com/docs/protocol#error-end-stream).",
        "properties": [
            "code": ["type": "string", "description": "The name of the gRPC code.", "examples": ["not_found"]],
            "message": ["type": "string"],
            "details": [
                "type": "array",
                "items": [
                    "type": "object",
                    "properties": [
                        "type": ["type": "string", "description": "The full name of a message."],
                        "value": ["type": "string", "contentEncoding": "base64"],
                    ],
                ],
            ],
        ],
        "required": ["code"],
    ]
}
