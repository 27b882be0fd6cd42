package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// text is what can be sent: peers of the data plane have a say in what errors read like, and a message takes UTF-8 only.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// maxText bounds what is taken of one text of a peer, in bytes: many of them have to fit into a condition, which takes 32 KiB.
const maxText = 1 << 10

// heard is a text of a peer.
func heard(s string) string {
	if len(s) > maxText {
		s = text(s[:maxText]) + "..."
	}
	return s
}

// FromReport writes a report as one that has dealt with seq.
func FromReport(r location.Report, seq uint64) *fleetv1.Report {
	out := &fleetv1.Report{Seq: seq, Refused: fromRefusals(r.Refused), Faults: fromRefusals(r.Faults)}
	for _, l := range r.Listening {
		out.Sockets = append(out.Sockets, &fleetv1.Socket{
			ForwardingRule: l.ForwardingRule, Requested: l.Requested.String(), Actual: l.Actual.String(), Text: text(reasonOf(r.Elsewhere, l)),
		})
	}
	for _, u := range r.Unbound {
		out.Sockets = append(out.Sockets, &fleetv1.Socket{ForwardingRule: u.ForwardingRule, Requested: u.Address.String(), Text: text(u.Text)})
	}
	for _, f := range r.Failing {
		out.Failing = append(out.Failing, &fleetv1.Failing{
			Kind: f.Kind, Name: f.Resource, Chain: f.Chain, Extension: f.Extension, Cause: text(f.Cause), Text: text(f.Text),
		})
	}
	if r.Trouble != nil {
		out.Trouble = text(r.Trouble.Error())
	}
	return out
}

// reasonOf is why something is listened on elsewhere.
func reasonOf(all []location.Elsewhere, l location.Listening) string {
	for _, e := range all {
		if e.ForwardingRule == l.ForwardingRule && e.Requested == l.Requested {
			return e.Text
		}
	}
	return ""
}

// ToReport reads a report of a data plane.
func ToReport(name string, r *fleetv1.Report) (location.Report, error) {
	out := location.Report{Location: name, Seq: r.GetSeq(), Refused: toRefusals(r.GetRefused()), Faults: toRefusals(r.GetFaults())}
	if text := heard(r.GetTrouble()); text != "" {
		out.Trouble = errors.New(text)
	}
	for _, f := range r.GetFailing() {
		out.Failing = append(out.Failing, passive.Failing{
			Use:   passive.Use{Kind: f.GetKind(), Resource: f.GetName(), Chain: f.GetChain(), Extension: f.GetExtension()},
			Cause: heard(f.GetCause()), Text: heard(f.GetText()),
		})
	}
	for _, s := range r.GetSockets() {
		if err := addSocket(&out, s); err != nil {
			return out, err
		}
	}
	return out, nil
}

func addSocket(out *location.Report, s *fleetv1.Socket) error {
	requested, err := netip.ParseAddrPort(s.GetRequested())
	if err != nil {
		return fmt.Errorf("socket of %s: %w", s.GetForwardingRule(), err)
	}
	if s.GetActual() == "" {
		out.Unbound = append(out.Unbound, location.Unbound{ForwardingRule: s.GetForwardingRule(), Address: requested, Text: heard(s.GetText())})
		return nil
	}
	actual, err := netip.ParseAddrPort(s.GetActual())
	if err != nil {
		return fmt.Errorf("socket of %s: %w", s.GetForwardingRule(), err)
	}
	out.Listening = append(out.Listening, location.Listening{ForwardingRule: s.GetForwardingRule(), Requested: requested, Actual: actual})
	if requested.Port() != 0 && actual != requested {
		out.Elsewhere = append(out.Elsewhere, location.Elsewhere{
			ForwardingRule: s.GetForwardingRule(), Requested: requested, Actual: actual, Text: heard(s.GetText()),
		})
	}
	return nil
}

func fromRefusals(all []config.Refusal) []*fleetv1.Refusal {
	var out []*fleetv1.Refusal
	for _, r := range all {
		out = append(out, &fleetv1.Refusal{Kind: r.Kind, Name: r.Name, Reason: text(r.Reason)})
	}
	return out
}

func toRefusals(all []*fleetv1.Refusal) []config.Refusal {
	var out []config.Refusal
	for _, r := range all {
		out = append(out, config.Refusal{Kind: r.GetKind(), Name: r.GetName(), Reason: heard(r.GetReason())})
	}
	return out
}

// Probe is an endpoint and the health check that it is probed by.
type Probe struct {
	Check    string
	Endpoint netip.AddrPort
}

// ProbeOf is what a verdict is on.
func ProbeOf(v health.Verdict) Probe { return Probe{v.Check, v.Address} }

// FromVerdict writes a verdict; gone: the endpoint is not probed for the check any more.
func FromVerdict(v health.Verdict, gone bool) *fleetv1.Verdict {
	return &fleetv1.Verdict{Check: v.Check, Endpoint: v.Address.String(), State: v.State, Detail: text(v.Detail), Gone: gone}
}

// ToVerdict reads a verdict.
func ToVerdict(v *fleetv1.Verdict) (health.Verdict, error) {
	at, err := netip.ParseAddrPort(v.GetEndpoint())
	if err != nil {
		return health.Verdict{}, fmt.Errorf("verdict of %s: %w", v.GetCheck(), err)
	}
	return health.Verdict{Check: v.GetCheck(), Address: at, State: v.GetState(), Detail: heard(v.GetDetail())}, nil
}
