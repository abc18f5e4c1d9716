// An HTTP server and its client, and what else stresses the Go runtime: goroutines, preemption by signals, children.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func serve() {
	http.HandleFunc("/hash", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%x\n", sha256.Sum256([]byte(r.URL.Query().Get("text"))))
	})
	http.HandleFunc("/exec", func(w http.ResponseWriter, r *http.Request) {
		out, err := exec.Command("echo", r.URL.Query().Get("text")).Output()
		fmt.Fprintln(w, string(out), err)
	})
	http.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, n, err)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{}
	done := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		fmt.Println("signal", <-signals)
		fmt.Println("shutdown", server.Shutdown(context.Background()))
		close(done)
	}()
	fmt.Println(server.Serve(listener))
	<-done
}

func fetch(url string, count int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}, Timeout: 30 * time.Second}
	var good, bad atomic.Int64
	var wait sync.WaitGroup
	for worker := 0; worker < 50; worker++ {
		wait.Add(1)
		go func(worker int) {
			defer wait.Done()
			for i := worker; i < count; i += 50 {
				text := strconv.Itoa(i)
				response, err := client.Get(url + "/hash?text=" + text)
				if err != nil {
					fmt.Println(err)
					bad.Add(1)
					continue
				}
				body, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if string(body) == fmt.Sprintf("%x\n", sha256.Sum256([]byte(text))) {
					good.Add(1)
				} else {
					bad.Add(1)
				}
			}
		}(worker)
	}
	wait.Wait()
	fmt.Println("good", good.Load(), "bad", bad.Load())
}

func compute() {
	// loops without a call: only a signal makes them give way
	var stop atomic.Bool
	for i := 0; i < runtime.GOMAXPROCS(0)*2; i++ {
		go func() {
			for x := uint64(1); ; x = x*6364136223846793005 + 1 {
				if x == 0 && stop.Load() {
					return
				}
			}
		}()
	}
	time.Sleep(50 * time.Millisecond)
	sums := make(chan int)
	for i := 0; i < 1000; i++ {
		go func(i int) { sums <- i }(i)
	}
	total := 0
	for i := 0; i < 1000; i++ {
		total += <-sums
	}
	runtime.GC()
	fmt.Println("goroutines", total)

	var wait sync.WaitGroup
	var codes atomic.Int64
	for i := 0; i < 40; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			command := exec.Command("sh", "-c", fmt.Sprintf("exit %d", i))
			command.Run()
			codes.Add(int64(command.ProcessState.ExitCode()))
		}(i)
	}
	wait.Wait()
	fmt.Println("children", codes.Load())

	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var p *int
		fmt.Println(*p)
	}()
}

func main() {
	switch os.Args[1] {
	case "serve":
		serve()
	case "fetch":
		count, _ := strconv.Atoi(os.Args[3])
		fetch(os.Args[2], count)
	case "compute":
		compute()
	}
}
