package wire

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

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

// TestTextsOfPeersAreBounded: conditions are made of them.
func TestTextsOfPeersAreBounded(t *testing.T) {
	long := strings.Repeat("\u00fc", 100_000)
	r, err := ToReport("r", &fleetv1.Report{
		Trouble: long, Refused: []*fleetv1.Refusal{{Reason: long}}, Failing: []*fleetv1.Failing{{Cause: long, Text: long}},
		Sockets: []*fleetv1.Socket{{Requested: "192.0.2.1:80", Text: long}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := ToVerdict(&fleetv1.Verdict{Endpoint: "192.0.2.1:80", Detail: long})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{r.Trouble.Error(), r.Refused[0].Reason, r.Failing[0].Cause, r.Failing[0].Text, r.Unbound[0].Text, v.Detail} {
		if len(text) > 2*maxText || !utf8.ValidString(text) {
			t.Errorf("text %d has %d bytes", i, len(text))
		}
	}
}
