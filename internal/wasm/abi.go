package wasm

import "strconv"

// Version is one of the ABI's.
type Version uint8

// The versions, in order.
const (
	ABI010 Version = iota + 1
	ABI020
	ABI021
)

// markers are the exports that say which version a module is for, the newest first.
var markers = []struct {
	name    string
	version Version
}{
	{"proxy_abi_version_0_2_1", ABI021},
	{"proxy_abi_version_0_2_0", ABI020},
	{"proxy_abi_version_0_1_0", ABI010},
}

func (v Version) String() string {
	return [...]string{"none", "0.1.0", "0.2.0", "0.2.1"}[v]
}

// status is what a host function returns.
type status uint32

const (
	ok                  status = 0
	notFound            status = 1
	badArgument         status = 2
	parseFailure        status = 4
	invalidMemoryAccess status = 6
	empty               status = 7
	casMismatch         status = 8
	internalFailure     status = 10
	unimplemented       status = 12
)

// Level is how grave a log record is.
type Level uint8

// The levels.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
	Critical
)

func (l Level) String() string {
	if l > Critical {
		return "level " + strconv.Itoa(int(l))
	}
	return [...]string{"trace", "debug", "info", "warn", "error", "critical"}[l]
}

type bufferType uint32

const (
	bufferRequestBody bufferType = iota
	bufferResponseBody
	bufferDownstream
	bufferUpstream
	bufferHTTPCall
	bufferGRPC
	bufferVMConfiguration
	bufferPluginConfiguration
	bufferCallData
)

type mapType uint32

const (
	mapRequestHeaders mapType = iota
	mapRequestTrailers
	mapResponseHeaders
	mapResponseTrailers
	mapGRPCInitial
	mapGRPCTrailing
	mapHTTPCallHeaders
	mapHTTPCallTrailers
	mapTypes
)

// Action is what a callback wants to happen to the message.
type Action uint8

// The actions of header, body and trailer callbacks. In the GCP profile all is Continue.
const (
	// Continue passes the message on.
	Continue Action = iota
	// Pause holds everything back until the guest continues the stream.
	Pause
	// Buffer holds the body back, and shows all of it in the next callback.
	Buffer
	// Discard holds the stream back, and forgets the piece of the body just shown.
	Discard
	// EndStream passes the head on, without a body.
	EndStream
)

// Profile says what guests may do.
type Profile uint8

// The profiles.
const (
	// GCP is the subset that Google's load balancers document.
	GCP Profile = iota
	// Full is all of the ABI.
	Full
)

func (p Profile) String() string {
	if p == Full {
		return "full"
	}
	return "gcp"
}
