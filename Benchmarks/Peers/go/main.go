// The benchmark's programs on grpc-go: a server, and a client that measures itself and its servers.
package main

import (
	"fmt"
	"io"
	"os"

	"google.golang.org/grpc"
)

func run(command string, arguments []string) error {
	switch command {
	case "server":
		return serve()
	case "client":
		return call(arguments)
	case "--version":
		fmt.Println(grpc.Version)
		return nil
	default:
		return fmt.Errorf("there is no command %q, but server and client", command)
	}
}

// awaitEndOfInput returns when the program that started this one has closed its standard input, or has died.
func awaitEndOfInput() {
	io.Copy(io.Discard, os.Stdin)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "grpc-go: say what to do: server or client")
		os.Exit(1)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "grpc-go:", err)
		os.Exit(1)
	}
}
