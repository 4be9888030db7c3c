// The benchmark's client on etcd's clientv3: each command does one thing, measures itself and prints a report as JSON.
// It ends without a report when its standard input ends.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/version"
)

// latencies are the times of the puts.
type latencies []time.Duration

// microseconds is a percentile: the least time that so many in a hundred do not exceed.
func (l latencies) microseconds(percentile float64) float64 {
	sort.Slice(l, func(i, j int) bool { return l[i] < l[j] })
	index := int(math.Ceil(percentile/100*float64(len(l)))) - 1
	return float64(l[index].Nanoseconds()) / 1000
}

func connect(endpoint string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second})
}

// pace is the time from one measured put to the next. It is that of the registrations on the other side, so that etcd's
// background work of every 100 ms meets as many of them.
const pace = 10 * time.Millisecond

// seenPut writes a key again and again, and prints the time until the watch of another client reported it.
func seenPut(endpoint string, puts int) error {
	writer, err := connect(endpoint)
	if err != nil {
		return err
	}
	defer writer.Close()
	watcher, err := connect(endpoint)
	if err != nil {
		return err
	}
	defer watcher.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	type sighting struct {
		revision int64
		at       time.Time
	}
	const prefix = "/microservices/user-service/"
	watch := watcher.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	if created := <-watch; !created.Created {
		return fmt.Errorf("the watch was not created: %v", created.Err())
	}
	sightings := make(chan sighting, 1)
	go func() {
		for response := range watch {
			at := time.Now()
			for _, event := range response.Events {
				sightings <- sighting{event.Kv.ModRevision, at}
			}
		}
		close(sightings)
	}()

	// The same key and value as in bench-etcd-client.
	const id = "7c9f0c2e-a4a1-11ef-9a3d-000000000000"
	var times latencies
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for number := -puts / 10; number < puts; number++ {
		value := fmt.Sprintf(`{"id":"%s","name":"user-service","version":"v1.4.2",`+
			`"metadata":{"change":"%d","zone":"eu-central-1a"},`+
			`"endpoints":["grpc://10.0.0.0:9000","http://10.0.0.0:8000"]}`, id, number)
		<-ticker.C
		start := time.Now()
		response, err := writer.Put(ctx, prefix+id, value)
		if err != nil {
			return err
		}
		seen, ok := <-sightings
		if !ok || seen.revision != response.Header.Revision {
			return fmt.Errorf("the watch told of revision %d where %d was put", seen.revision, response.Header.Revision)
		}
		if number >= 0 {
			times = append(times, seen.at.Sub(start))
		}
	}
	return report(map[string]float64{
		"p50Microseconds": times.microseconds(50),
		"p99Microseconds": times.microseconds(99),
	})
}

// putAll writes keys through one client, a number of them at a time, each a key of its own.
func putAll(client *clientv3.Client, puts, inFlight int, value string) (latencies, error) {
	var group sync.WaitGroup
	times := make([]latencies, inFlight)
	errors := make([]error, inFlight)
	for worker := 0; worker < inFlight; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for number := worker; number < puts; number += inFlight {
				start := time.Now()
				if _, err := client.Put(context.Background(), fmt.Sprintf("bench/%d", number), value); err != nil {
					errors[worker] = err
					return
				}
				times[worker] = append(times[worker], time.Since(start))
			}
		}(worker)
	}
	group.Wait()
	var all latencies
	for worker := range times {
		if errors[worker] != nil {
			return nil, errors[worker]
		}
		all = append(all, times[worker]...)
	}
	return all, nil
}

func put(endpoint string, puts, inFlight, bytesOfValue int) error {
	client, err := connect(endpoint)
	if err != nil {
		return err
	}
	defer client.Close()
	value := string(bytes.Repeat([]byte("x"), bytesOfValue))
	if _, err := putAll(client, puts/10, inFlight, value); err != nil {
		return err
	}
	cpu, start := cpuSeconds(), time.Now()
	times, err := putAll(client, puts, inFlight, value)
	if err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	return report(map[string]float64{
		"seconds":         seconds,
		"cpuSeconds":      cpuSeconds() - cpu,
		"p50Microseconds": times.microseconds(50),
		"p99Microseconds": times.microseconds(99),
	})
}

// cpuSeconds is the CPU time, of user and system, that all threads of this process have taken.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return math.NaN()
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func report(values map[string]float64) error {
	return json.NewEncoder(os.Stdout).Encode(values)
}

func run(command string, arguments []string) error {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	endpoint := flags.String("endpoint", "", "the URL of etcd")
	puts := flags.Int("puts", 0, "how many puts to measure; a tenth as many are made before")
	inFlight := flags.Int("in-flight", 1, "how many puts are under way at any time")
	bytesOfValue := flags.Int("bytes", 100, "how many bytes a value has")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	switch command {
	case "put":
		return put(*endpoint, *puts, *inFlight, *bytesOfValue)
	case "seen-put":
		return seenPut(*endpoint, *puts)
	default:
		return fmt.Errorf("there is no command %q, but put and seen-put", command)
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version.Version)
		return
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "clientv3: say what to do: put or seen-put")
		os.Exit(1)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "clientv3:", err)
		os.Exit(1)
	}
}
