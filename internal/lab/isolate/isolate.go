// Package isolate runs this program again in namespaces of its own: of users if it has to, and of processes, mounts and the
// network. All of a lab is inside, so that nothing is left of it when its first process ends, however that ends: the kernel
// kills what is in the namespace, and drops the network with it.
//
// In: the arguments of the program that is to be the first process. Out: that process.
//
//	p, err := isolate.Start(isolate.Options{Args: []string{"lab", "init"}})
//	p.Way  // how the namespaces came about: as root, or by a namespace of users
//
// In there, the first process calls Enter, which sets up the network and /proc, and then Babysit, which runs the child that does
// the work.
package isolate

import (
	"net/netip"
	"os"
)

// Way is how namespaces came about.
type Way string

// The ways.
const (
	AsRoot        Way = "as root"
	UserNamespace Way = "in a namespace of users (no root)"
)

// Options are what to start.
type Options struct {
	// Args are the arguments for this program.
	Args []string
	Env  []string
	// Files are descriptors 3, 4 ... of the process.
	Files []*os.File
	// Log takes its output.
	Log *os.File
}

// Network is what Enter sets up: a loopback interface that has all of a range.
type Network struct {
	Addresses netip.Prefix
}
