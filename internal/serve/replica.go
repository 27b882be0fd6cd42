package serve

import (
	"context"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/spillway-lb/spillway/internal/ads/replica"
	"github.com/spillway-lb/spillway/internal/persist"
)

// replicaTime bounds how long a start waits for what other replicas keep.
const replicaTime = 15 * time.Second

// Replicas are the other controllers of the same clusters.
type Replicas struct {
	// Addresses are HOST:PORT of their --fleet; a host stands for all of its addresses.
	Addresses []string
	// Dial makes the credentials to call a host by.
	Dial func(host string) (credentials.TransportCredentials, error)
	// Allowed says why a caller is no replica; nil has none be.
	Allowed func(context.Context) error
}

// takeOver is what this replica starts from: what it has kept itself, or what another one keeps now, if that is newer.
func (s *server) takeOver(own *persist.State) *persist.State {
	r := s.config.Replicas
	if len(r.Addresses) == 0 {
		return own
	}
	ctx, cancel := context.WithTimeout(context.Background(), replicaTime)
	defer cancel()
	state := own
	err := replica.Fetch(ctx, r.Addresses, r.Dial, func(b []byte) error {
		theirs, err := persist.Read(b, s.keeper.limits())
		if err == nil && theirs.SavedAt.After(own.SavedAt) {
			state = theirs
			state.Seq = max(state.Seq, own.Seq) // numbers must not come twice
		}
		return err
	})
	switch {
	case err != nil:
		s.report.say("no other replica has given what it keeps; starting without: %v", err)
	case state != own:
		s.report.say("started from what another replica keeps: %d objects, transaction %d", len(state.Objects), state.Seq)
	}
	return state
}
