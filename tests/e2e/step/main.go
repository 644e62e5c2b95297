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
	switch args[0] {
	case "write":
		return os.WriteFile(args[1], []byte(args[2]), 0o644)
	case "sleep":
		fmt.Println("sleeping", number, "s")
		time.Sleep(time.Duration(number * float64(time.Second)))
		return nil
	case "fill":
		file, err := os.Create(args[1])
		if err != nil {
			return err
		}
		if _, err := io.CopyN(file, rand.Reader, int64(number)<<20); err != nil {
			return err
		}
		return file.Close()
	case "eat":
		mib, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		held := make([]byte, mib<<20)
		for at := 0; at < len(held); at += 4096 {
			held[at] = 1
		}
		fmt.Println("holding", mib, "MiB")
		time.Sleep(time.Duration(number * float64(time.Second)))
		runtime.KeepAlive(held)
		return nil
	case "burn":
		return burn(time.Duration(number * float64(time.Second)))
	case "scan":
		return scan(args[1])
	case "listen":
		return listen(args[1], time.Duration(number*float64(time.Second)))
	case "reach":
		for _, address := range args[1:] {
			connection, err := net.DialTimeout("tcp", address, 2*time.Second)
			if err != nil {
				fmt.Println("cannot reach", address)
				continue
			}
			connection.Close()
			fmt.Println("reached", address)
		}
		return nil
	case "print":
		text, err := strconv.Unquote(`"` + args[1] + `"`)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(os.Stdout)
		for range int(number) {
			out.WriteString(text)
		}
		return out.Flush()
	case "expect", "find":
		text, err := strconv.Unquote(`"` + args[2] + `"`)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		if string(found) != text && !(args[0] == "find" && strings.Contains(string(found), text)) {
			return fmt.Errorf("%q is in %s, not %q", found, args[1], text)
		}
		return nil
	}
	return fmt.Errorf("no step %q", args[0])
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
