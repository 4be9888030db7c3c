package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/golang/protobuf/ptypes/wrappers"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/roundrobin"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// callTimeout is the deadline of every call: that of bench-client's channel.
const callTimeout = 10 * time.Second

// messageOverhead is the number of bytes around the value in a message: its tag and its length.
const messageOverhead = 2

// numbers is the value of an option that may come several times.
type numbers []int

func (n *numbers) String() string { return fmt.Sprint(*n) }

func (n *numbers) Set(text string) error {
	number, err := strconv.Atoi(text)
	*n = append(*n, number)
	return err
}

// echoCall is a unary call that has its message sent back.
type echoCall struct {
	connection *grpc.ClientConn
	request    *wrappers.BytesValue
}

// run makes one call. If it is thorough, it looks at each byte of the answer, else at the size and both ends.
func (c *echoCall) run(thorough bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	answer := new(wrappers.BytesValue)
	if err := c.connection.Invoke(ctx, "/benchmark.Benchmark/Echo", c.request, answer); err != nil {
		return err
	}
	sent, got := c.request.Value, answer.Value
	if len(got) != len(sent) || got[0] != sent[0] || got[len(got)-1] != sent[len(sent)-1] ||
		thorough && !bytes.Equal(got, sent) {
		return fmt.Errorf("an echo of %d bytes came back as %d others", len(sent), len(got))
	}
	return nil
}

// runAll makes a number of calls, inFlight of them at a time, and returns how long each took.
func (c *echoCall) runAll(calls, inFlight int, thorough bool) ([]time.Duration, error) {
	var group sync.WaitGroup
	times := make([][]time.Duration, inFlight)
	errors := make([]error, inFlight)
	for worker := 0; worker < inFlight; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			// So that the measured calls bear no cost of keeping their times.
			times[worker] = make([]time.Duration, 0, calls/inFlight+1)
			for number := worker; number < calls; number += inFlight {
				start := time.Now()
				if err := c.run(thorough); err != nil {
					errors[worker] = err
					return
				}
				times[worker] = append(times[worker], time.Since(start))
			}
		}(worker)
	}
	group.Wait()
	var all []time.Duration
	for worker := range times {
		if errors[worker] != nil {
			return nil, errors[worker]
		}
		all = append(all, times[worker]...)
	}
	return all, nil
}

// microseconds is a percentile of times: the least that so many in a hundred do not exceed.
func microseconds(times []time.Duration, percentile float64) float64 {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	index := int(math.Ceil(percentile/100*float64(len(times)))) - 1
	return float64(times[index].Nanoseconds()) / 1000
}

// cpuSeconds is the CPU time of processes, of user and system. It reads their CPU-time clocks, as bench-client does: the
// number of a process's clock is made of its id, as clock_getcpuclockid of the C library makes it.
func cpuSeconds(processes ...int) (float64, error) {
	var seconds float64
	for _, process := range processes {
		var value unix.Timespec
		if err := unix.ClockGettime(int32(^process<<3|2), &value); err != nil {
			return 0, fmt.Errorf("cannot read the CPU time of process %d: %v", process, err)
		}
		seconds += time.Duration(value.Nano()).Seconds()
	}
	return seconds, nil
}

// connect makes a client that takes the servers in turns.
func connect(ports []int) (*grpc.ClientConn, error) {
	var state resolver.State
	for _, port := range ports {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	servers := manual.NewBuilderWithScheme("benchmark")
	servers.InitialState(state)
	return grpc.Dial(
		"benchmark:///servers",
		grpc.WithInsecure(),
		grpc.WithResolvers(servers),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
	)
}

// call makes calls after a warm-up, and prints a report in the form of bench-client's.
func call(arguments []string) error {
	var ports, processes numbers
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	flags.Var(&ports, "port", "the port of a server on 127.0.0.1; once for each server")
	flags.Var(&processes, "server-process", "the process id of a server; once for each server")
	calls := flags.Int("calls", 0, "how many calls to measure")
	warmUpCalls := flags.Int("warm-up-calls", 0, "how many calls to make before the measured ones")
	inFlight := flags.Int("in-flight", 1, "how many calls are under way at any time")
	size := flags.Int("bytes", 100, "how many bytes a message has")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *size <= messageOverhead {
		return fmt.Errorf("--bytes has to be more than %d", messageOverhead)
	}
	go func() {
		awaitEndOfInput()
		os.Exit(1)
	}()

	connection, err := connect(ports)
	if err != nil {
		return err
	}
	defer connection.Close()
	value := make([]byte, *size-messageOverhead)
	for index := range value {
		value[index] = byte(index * 31)
	}
	echo := &echoCall{connection, &wrappers.BytesValue{Value: value}}
	if _, err := echo.runAll(*warmUpCalls, *inFlight, true); err != nil {
		return err
	}
	serverStart, err := cpuSeconds(processes...)
	if err != nil {
		return err
	}
	clientStart, err := cpuSeconds(os.Getpid())
	if err != nil {
		return err
	}
	start := time.Now()
	times, err := echo.runAll(*calls, *inFlight, false)
	if err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	clientEnd, err := cpuSeconds(os.Getpid())
	if err != nil {
		return err
	}
	serverEnd, err := cpuSeconds(processes...)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"calls":            *calls,
		"messages":         *calls,
		"bytes":            2 * *calls * *size,
		"seconds":          seconds,
		"clientCPUSeconds": clientEnd - clientStart,
		"serverCPUSeconds": serverEnd - serverStart,
		"p50Microseconds":  microseconds(times, 50),
		"p99Microseconds":  microseconds(times, 99),
	})
}
