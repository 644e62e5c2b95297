// Says for which platform it was compiled, and on which.
package main

import (
	"os"
	"runtime"
)

var compiledOn string

func main() {
	os.Stdout.WriteString("hello from " + runtime.GOOS + "/" + runtime.GOARCH + ", compiled on " + compiledOn + "\n")
}
