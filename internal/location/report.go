package location

import (
	"net/netip"

	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// Report is a location's word on how far it has come.
type Report struct {
	// Location is the data plane's name (see Name).
	Location string
	// Seq is the number of the newest transaction that it has dealt with: all is in force but what is refused.
	Seq     uint64
	Refused []config.Refusal
	// Faults are resources that are in force, and cannot do their part: a plugin that does not start.
	Faults []config.Refusal
	// Failing are the extensions whose exchanges keep failing, whoever finds that out of requests.
	Failing []passive.Failing
	// Unbound are the addresses that the proxy does not listen on, though it should.
	Unbound []Unbound
	// Elsewhere are the addresses that the proxy listens on in place of those it should.
	Elsewhere []Elsewhere
	// Listening are all addresses that the proxy listens on.
	Listening []Listening
	// Trouble is the error of the last step, as a whole; nil if all went well.
	Trouble error
}

// Unbound is an address that could not be bound.
type Unbound struct {
	ForwardingRule string
	Address        netip.AddrPort
	Text           string
}

// Elsewhere is an address that another one took the place of.
type Elsewhere struct {
	ForwardingRule    string
	Requested, Actual netip.AddrPort
	// Text is why, "" if that is not known.
	Text string
}

// Listening is an address that is listened on, for the requested one.
type Listening struct {
	ForwardingRule    string
	Requested, Actual netip.AddrPort
}
