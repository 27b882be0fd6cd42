package http2

import "time"

// Limits are the bounds of one connection, the same for both sides. Zero means the default.
type Limits struct {
	// MaxConcurrentStreams is what we announce (server) or never exceed (client). Default 128.
	MaxConcurrentStreams uint32
	// MaxHeaderListBytes bounds a decoded header list by HPACK's measure: name + value + 32 a field. A request that
	// exceeds it is answered 431, an answer is an error. Four times this much ends the connection. Default 64 KiB.
	MaxHeaderListBytes uint32
	// MaxHeaderFields bounds the number of fields, with the same consequences. Default 128 (server), 256 (client).
	MaxHeaderFields int
	// StreamWindow is how many bytes a peer may send ahead of the consumer of one stream. Default 128 KiB.
	StreamWindow uint32
	// ConnWindow is the same for the whole connection. Default 1 MiB for servers, which bounds what a hostile client
	// can make us hold; StreamWindow * MaxConcurrentStreams for clients, so that slow readers of some streams never
	// hold up the others.
	ConnWindow uint32

	// SettingsTimeout bounds the wait for the preface, for the first SETTINGS and for a SETTINGS acknowledgement.
	// Default 10 s.
	SettingsTimeout time.Duration
	// HeaderTimeout bounds the time between the first byte of HEADERS and the last of the last CONTINUATION, and that of any
	// other frame but DATA. Default 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout closes a connection (gracefully) that has had no stream for so long. Default 10 min; negative:
	// never.
	IdleTimeout time.Duration
	// StreamIdleTimeout resets a stream on which nothing has moved in either direction, and one that waits for so long for
	// windows that the peer opens by a few bytes only, or not at all. Default 5 min; negative: never.
	StreamIdleTimeout time.Duration
	// WriteTimeout bounds one write to the socket. Default 30 s.
	WriteTimeout time.Duration
	// PingInterval is how long a connection with streams may be silent before it is probed with PING. Default 0: no
	// probes, because gRPC servers take frequent ones for abuse; TCP keep-alive finds dead peers too.
	PingInterval time.Duration
	// PingTimeout is how long the answer to a probe may take before the connection counts as dead. Default 10 s.
	PingTimeout time.Duration
	// Tick is the grain of all time-outs above. Default 1 s, or less where a time-out asks for it.
	Tick time.Duration
}

// Event tells of a stream or a connection that was refused, for logs and metrics.
type Event struct {
	Reason Reason
	// Conn is set when the whole connection ends, not only a stream.
	Conn bool
}

// ServerConfig configures server connections. It is shared by connections and must not change.
type ServerConfig struct {
	Limits
	// Scheme of every request of the connection: "http" or "https". Default "http".
	Scheme string
	// NoExtendedConnect stops announcing SETTINGS_ENABLE_CONNECT_PROTOCOL (WebSocket over HTTP/2).
	NoExtendedConnect bool
	// Workers runs handlers. nil starts a goroutine a stream.
	Workers *Workers
	// Report, if set, is called from the connection's goroutines and must not block.
	Report func(Event)
}

// ClientConfig configures client connections. It is shared by connections and must not change.
type ClientConfig struct {
	Limits
	// Workers runs writes that must not block a reader. nil starts goroutines.
	Workers *Workers
	// Report as in ServerConfig.
	Report func(Event)
}

const (
	defaultMaxConcurrentStreams = 128
	defaultMaxHeaderListBytes   = 64 << 10
	defaultServerHeaderFields   = 128
	defaultClientHeaderFields   = 256
	defaultStreamWindow         = 128 << 10
	defaultServerConnWindow     = 1 << 20
	defaultSettingsTimeout      = 10 * time.Second
	defaultHeaderTimeout        = 10 * time.Second
	defaultIdleTimeout          = 10 * time.Minute
	defaultStreamIdleTimeout    = 5 * time.Minute
	defaultWriteTimeout         = 30 * time.Second
	defaultPingTimeout          = 10 * time.Second
	defaultTick                 = time.Second
	// maxWindow is the largest flow-control window, RFC 9113 section 6.9.1.
	maxWindow = 1<<31 - 1
)

// withDefaults fills in what both sides share.
func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxConcurrentStreams, defaultMaxConcurrentStreams)
	setDefault(&l.MaxHeaderListBytes, defaultMaxHeaderListBytes)
	setDefault(&l.StreamWindow, defaultStreamWindow)
	setDefault(&l.SettingsTimeout, defaultSettingsTimeout)
	setDefault(&l.HeaderTimeout, defaultHeaderTimeout)
	setDefault(&l.IdleTimeout, defaultIdleTimeout)
	setDefault(&l.StreamIdleTimeout, defaultStreamIdleTimeout)
	setDefault(&l.WriteTimeout, defaultWriteTimeout)
	setDefault(&l.PingTimeout, defaultPingTimeout)
	setDefault(&l.Tick, defaultTick)
	l.StreamWindow = min(l.StreamWindow, maxWindow)
	l.ConnWindow = min(max(l.ConnWindow, minConnWindow), maxWindow)
	return l
}

// minConnWindow is where every connection starts (RFC 9113 section 6.9.2); it cannot be announced smaller.
const minConnWindow = 65535

func serverLimits(l Limits) Limits {
	setDefault(&l.MaxHeaderFields, defaultServerHeaderFields)
	setDefault(&l.ConnWindow, defaultServerConnWindow)
	return l.withDefaults()
}

func clientLimits(l Limits) Limits {
	setDefault(&l.MaxHeaderFields, defaultClientHeaderFields)
	if l.ConnWindow == 0 {
		d := l.withDefaults()
		l.ConnWindow = uint32(min(uint64(d.StreamWindow)*uint64(d.MaxConcurrentStreams), maxWindow))
	}
	return l.withDefaults()
}

func setDefault[T int | uint32 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
