package main

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
)

// rawCodec hands messages on as they are, so that the server measures no serialization format.
type rawCodec struct{}

func (rawCodec) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = data
	return nil
}

func (rawCodec) String() string { return "raw" }

// echo answers with the bytes of the request.
func echo(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	message := new([]byte)
	if err := decode(message); err != nil {
		return nil, err
	}
	return message, nil
}

// stream answers with messages as the request asks for them: by the text "MESSAGES BYTES".
func stream(_ interface{}, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	var messages, size int
	if _, err := fmt.Sscanf(string(request), "%d %d", &messages, &size); err != nil {
		return fmt.Errorf("the request of a stream is two numbers, MESSAGES BYTES: %v", err)
	}
	message := bytes.Repeat([]byte("x"), size)
	for ; messages > 0; messages-- {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

// serve prints its port, and serves until its standard input ends.
func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.CustomCodec(rawCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "benchmark.Benchmark",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: echo}},
		Streams:     []grpc.StreamDesc{{StreamName: "Stream", Handler: stream, ServerStreams: true}},
	}, struct{}{})
	go func() {
		awaitEndOfInput()
		server.Stop()
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}
