package grpccode

import (
	"fmt"
	"math"
	"testing"

	"google.golang.org/grpc/codes"
)

// The names are those that gRPC's own library reads, of all codes that it knows.
func TestNames(t *testing.T) {
	for c := range Code(len(names)) {
		var theirs codes.Code
		if err := theirs.UnmarshalJSON(fmt.Appendf(nil, "%q", c)); err != nil || uint32(theirs) != uint32(c) {
			t.Errorf("%d is %s: %d, %v", c, c, theirs, err)
		}
	}
	for _, c := range []Code{Code(len(names)), math.MaxUint32} {
		if want := fmt.Sprintf("CODE_%d", uint32(c)); c.Known() || c.String() != want {
			t.Errorf("%s, want %s", c, want)
		}
	}
}
