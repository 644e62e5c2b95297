// Step is the only program in the images of the end-to-end tests: what a build step does, without a shell or a root.
//
//	step write FILE TEXT     writes a file
//	step sleep SECONDS       takes time
//	step fill FILE MIB       writes a file that does not compress
//	step eat MIB SECONDS     holds memory, and says when it has it
//	step burn SECONDS        computes for so many seconds of a core
//	step reach ADDRESS...    says which of these (HOST:PORT) take a connection
//	step print TEXT COUNT    writes a text so many times; escapes in it are Go's
//	step ... fail            does that, and fails
//	step expect FILE TEXT    fails unless that is what the file says; escapes are Go's
//	step find FILE TEXT      fails unless that is somewhere in the file
//	step scan NAME           writes an SBOM that names one package, as BuildKit asks a scanner for
//	step listen PORT SECONDS says where it listens, and who connects; has connected to itself first
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "step:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: write FILE TEXT | sleep SECONDS | fill FILE MIB | eat MIB SECONDS | burn SECONDS | reach ADDRESS... | listen PORT SECONDS | print TEXT COUNT | expect FILE TEXT | find FILE TEXT | scan NAME")
	}
	if args[len(args)-1] == "fail" {
		if err := run(args[:len(args)-1]); err != nil {
			return err
		}
		return fmt.Errorf("failed, as it was told to")
	}
	number, _ := strconv.ParseFloat(args[len(args)-1], 64)
	seconds := time.Duration(number * float64(time.Second))
	switch args[0] {
	case "write":
		return os.WriteFile(args[1], []byte(args[2]), 0o644)
	case "sleep":
		fmt.Println("sleeping", number, "s")
		time.Sleep(seconds)
		return nil
	case "fill":
		return fill(args[1], int64(number))
	case "eat":
		return eat(args[1], seconds)
	case "burn":
		return burn(seconds)
	case "scan":
		return scan(args[1])
	case "listen":
		return listen(args[1], seconds)
	case "reach":
		return reach(args[1:])
	case "print":
		return repeat(args[1], int(number))
	case "expect", "find":
		return expect(args[1], args[2], args[0] == "find")
	}
	return fmt.Errorf("no step %q", args[0])
}

func fill(name string, mib int64) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(file, rand.Reader, mib<<20); err != nil {
		return err
	}
	return file.Close()
}

func eat(amount string, duration time.Duration) error {
	mib, err := strconv.Atoi(amount)
	if err != nil {
		return err
	}
	held := make([]byte, mib<<20)
	for at := 0; at < len(held); at += 4096 {
		held[at] = 1
	}
	fmt.Println("holding", mib, "MiB")
	time.Sleep(duration)
	runtime.KeepAlive(held)
	return nil
}

func reach(addresses []string) error {
	for _, address := range addresses {
		connection, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			fmt.Println("cannot reach", address)
			continue
		}
		connection.Close()
		fmt.Println("reached", address)
	}
	return nil
}

func repeat(quoted string, count int) error {
	text, err := strconv.Unquote(`"` + quoted + `"`)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for range count {
		out.WriteString(text)
	}
	return out.Flush()
}

// expect looks for a text that is all of a file, or a part of it.
func expect(name, quoted string, orPart bool) error {
	text, err := strconv.Unquote(`"` + quoted + `"`)
	if err != nil {
		return err
	}
	found, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if string(found) != text && !(orPart && strings.Contains(string(found), text)) {
		return fmt.Errorf("%q is in %s, not %q", found, name, text)
	}
	return nil
}

// burn goes by the processor's time, not by the clock's: on a busy machine it takes longer.
func burn(wanted time.Duration) error {
	var used syscall.Rusage
	for {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			return err
		}
		if time.Duration(used.Utime.Nano()+used.Stime.Nano()) >= wanted {
			return nil
		}
		for sum := 0; sum < 1<<20; sum++ {
		}
	}
}

// scan follows BuildKit's protocol for scanners: a statement of in-toto in a file of the folder that it names.
func scan(name string) error {
	statement := `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":` +
		`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"sbom","packages":[{"SPDXID":"SPDXRef-1","name":"` + name + `"}]}}`
	return os.WriteFile(filepath.Join(os.Getenv("BUILDKIT_SCAN_DESTINATION"), "step.spdx.json"), []byte(statement), 0o644)
}

func listen(port string, duration time.Duration) error {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.To4() == nil {
			continue
		}
		own := net.JoinHostPort(network.IP.String(), port)
		if connection, err := net.Dial("tcp", own); err == nil {
			connection.Close()
			listener.Accept()
			fmt.Println("listening on", own)
		}
	}
	go func() {
		for {
			if connection, err := listener.Accept(); err == nil {
				connection.Close()
				fmt.Println("somebody connected")
			}
		}
	}()
	time.Sleep(duration)
	return nil
}
