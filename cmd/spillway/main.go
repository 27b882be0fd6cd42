// Command spillway is Google Cloud-style load balancing for any Kubernetes: `spillway --help` lists what it does.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
