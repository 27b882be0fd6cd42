package refusal_test

import (
	"errors"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

func TestErrorsNameTheirField(t *testing.T) {
	err := refusal.At("request_headers", refusal.At(refusal.Item("set", 1), errors.New("is not valid")))
	if got, want := err.Error(), "request_headers.set[1]: is not valid"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := refusal.At("codes", refusal.Errorf("[2]", "%d", 7)).Error(); got != "codes[2]: 7" {
		t.Errorf("%q", got)
	}
	if refusal.At("x", nil) != nil {
		t.Error("no error became one")
	}
	if got := refusal.Of(errors.New("a")); got.Path != "" || got.Text != "a" || got.Error() != "a" {
		t.Errorf("%+v", got)
	}
}
