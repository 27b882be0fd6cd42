package wasm

import "time"

const (
	pageSize = 64 << 10

	// DefaultMaxSize is Google's limit of a module with its configuration.
	DefaultMaxSize = 5 << 20
	// gcpMemory is Google's limit of an instance's memory, fullMemory is of the order of Envoy's.
	gcpMemory  = 16 << 20
	fullMemory = 256 << 20
	// maxTable bounds the entries of a table: each costs the host eight bytes.
	maxTable = 1 << 20
	// maxTables bounds how many there are: compilers make one, or two.
	maxTables = 8

	// DefaultTimeout bounds a callback. Google's limit is one millisecond of a processor; this one is of the clock on the
	// wall, and must hold on a laptop that does something else, too.
	DefaultTimeout = 50 * time.Millisecond
	// DefaultStartTimeout bounds start and configuration, all their calls together.
	DefaultStartTimeout = 5 * time.Second
	// DefaultCompileTimeout bounds compiling, which takes half a second for a module that is made of Go.
	DefaultCompileTimeout = time.Minute
	// DefaultMemoryBudget bounds the memory of instances that streams have for themselves.
	DefaultMemoryBudget = 256 << 20

	// Google's limits of one callback: what is above is dropped, but for mutations, which fail.
	maxLogBytes   = 16 << 10
	maxLogRecords = 16
	maxMutation   = 128 << 10
	// fieldOverhead is what a field costs beside its bytes, as HTTP/2 counts it.
	fieldOverhead = 32
	// Those of the Full profile, which has none in Envoy.
	maxFullHeaders = 1 << 20
	maxFullBody    = 16 << 20

	// Envoy's limits of a guest's list of pairs.
	maxPairsBytes = 1 << 20
	maxPairs      = 1024
	// maxRandom is WASI's limit of one call.
	maxRandom = 64 << 10

	// maxShared bounds keys and values of shared data, and what waits in the queues of one plugin, in bytes.
	maxShared = 64 << 20
	// maxMetrics bounds the metrics that one plugin defines.
	maxMetrics = 4096
	// maxCalls bounds the HTTP and gRPC calls of one instance that are under way.
	maxCalls = 1024
)

// Options are what all plugins of a module share.
type Options struct {
	Profile Profile
	// MaxSize bounds the module's bytes; 0 is DefaultMaxSize in the GCP profile, and unbounded otherwise.
	MaxSize int
	// MemoryLimit bounds an instance's memory in bytes; 0 is the profile's.
	MemoryLimit uint64
	// CompileTimeout bounds compiling; 0 is DefaultCompileTimeout. It holds between functions, each of which has a bound of its own.
	CompileTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.MaxSize == 0 && o.Profile == GCP {
		o.MaxSize = DefaultMaxSize
	}
	if o.CompileTimeout == 0 {
		o.CompileTimeout = DefaultCompileTimeout
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = gcpMemory
		if o.Profile == Full {
			o.MemoryLimit = fullMemory
		}
	}
	return o
}

func (o Options) pages() uint32 { return uint32(min(max(o.MemoryLimit/pageSize, 1), 65536)) }
