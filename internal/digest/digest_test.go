package digest_test

import (
	"regexp"
	"testing"

	"github.com/spillway-lb/spillway/internal/digest"
)

// TestDigestsStay: names, uids and addresses of running systems follow from these.
func TestDigestsStay(t *testing.T) {
	for got, want := range map[string]string{
		digest.Hex("store", 8):     "824d80d7",
		digest.Base36("store", 10): "5y52r361zr",
		digest.UUID("store"):       "824d80d7-1985-8082-a269-97a8db88b5d1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := digest.Base36("store", 60); !regexp.MustCompile("^0{5,}[0-9a-z]+$").MatchString(got) || len(got) != 60 {
		t.Errorf("%q is not 60 digits", got)
	}
	if digest.Number("a") == digest.Number("b") {
		t.Error("two texts have one number")
	}
}
