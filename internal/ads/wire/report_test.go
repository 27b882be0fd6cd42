package wire

import (
	"errors"
	"net/netip"
	"testing"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

// TestTextsOfPeersCanBeSent: a word that cannot be sent would be the last one.
func TestTextsOfPeersCanBeSent(t *testing.T) {
	const text = "no \xff"
	at := netip.MustParseAddrPort("10.0.0.1:80")
	refused := []config.Refusal{{Kind: "k", Name: "n", Reason: text}}
	r := location.Report{
		Failing: []passive.Failing{{Use: passive.Use{Chain: "c"}, Cause: "tls", Text: text}},
		Refused: refused, Faults: refused, Trouble: errors.New(text),
		Unbound:   []location.Unbound{{Address: at, Text: text}},
		Listening: []location.Listening{{Requested: at, Actual: at}}, Elsewhere: []location.Elsewhere{{Requested: at, Actual: at, Text: text}},
	}
	word := &fleetv1.Word{Report: FromReport(r, 1), Verdicts: []*fleetv1.Verdict{FromVerdict(health.Verdict{Address: at, Detail: text}, false)}}
	if _, err := proto.Marshal(word); err != nil {
		t.Error(err)
	}
	if back, err := ToReport("n", word.GetReport()); err != nil || len(back.Failing) != 1 || back.Failing[0].Chain != "c" || back.Failing[0].Cause != "tls" {
		t.Errorf("%v, %v", back.Failing, err)
	}
}
