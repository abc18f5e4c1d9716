// Many goroutines on few threads, with blocking calls, signals and a garbage collector at work.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func deep(n int) int {
	var pad [128]byte
	pad[n%128] = 1
	if n == 0 {
		return syscall.Getppid() - syscall.Getppid()
	}
	return deep(n-1) + int(pad[(n+1)%128])
}

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0

	for i := 0; i < 200; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			r, w, err := os.Pipe()
			if err != nil {
				panic(err)
			}
			go w.Write([]byte{byte(i)})
			b := make([]byte, 1)
			r.Read(b)
			r.Close()
			w.Close()
			if i%50 == 0 {
				runtime.GC()
			}
			mu.Lock()
			total += int(b[0]) + deep(i)
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	fmt.Println("goroutines", total)

	path := filepath.Join(os.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("served"))
			c.Close()
		}
	}()
	for i := 0; i < 20; i++ {
		c, err := net.Dial("unix", path)
		if err != nil {
			panic(err)
		}
		b := make([]byte, 16)
		n, _ := c.Read(b)
		if string(b[:n]) != "served" {
			fmt.Println("got", b[:n])
		}
		c.Close()
	}
	l.Close()

	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGUSR1)
	for i := 0; i < 20; i++ {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-ch
	}
	fmt.Println("signals")

	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var p *int
		*p = 1
	}()
	t := time.NewTimer(5 * time.Millisecond)
	<-t.C
	fmt.Println("timer")
}
