// Package grpccode has the names of gRPC's status codes, as they are written in the protocol and in JSON. In: a code; out: its
// name, for whoever prints or records one.
package grpccode

import "strconv"

// Code is a status of gRPC.
type Code uint32

// The codes that are needed by name.
const (
	OK                Code = 0
	Cancelled         Code = 1
	Unknown           Code = 2
	DeadlineExceeded  Code = 4
	ResourceExhausted Code = 8
	Internal          Code = 13
	Unavailable       Code = 14
)

var names = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// Known reports whether a code is one of gRPC's: peers may send any number.
func (c Code) Known() bool { return int64(c) < int64(len(names)) }

// String is the name, or CODE_n.
func (c Code) String() string {
	if c.Known() {
		return names[c]
	}
	return "CODE_" + strconv.FormatUint(uint64(c), 10)
}
