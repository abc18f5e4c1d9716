// A Go program: arguments, environment, a child process, files.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	fmt.Println("hello from Go", len(os.Args), os.Getenv("GUEST_ENV"))
	out, err := exec.Command("/bin/echo", "child").CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	_, err = exec.Command("/nonexistent").CombinedOutput()
	fmt.Println(err)
	fmt.Println(os.WriteFile("written", []byte("text\n"), 0o644))
	_, err = os.Open("missing")
	fmt.Println(err)
	exe, err := os.Executable()
	fmt.Println(exe, err)
	os.Exit(5)
}
