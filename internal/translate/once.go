package translate

import (
	"errors"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// maxRounds bounds the rounds of Once. Two do: what a round writes is read by none of its units.
const maxRounds = 10

var errUnsettled = errors.New("translate: what rounds write changes what they say, again and again")

// Round is one round of Once.
type Round struct {
	Touched  []string
	Writes   []recompute.WriteChange
	Problems []recompute.Problem
	// Tx is fit to be published; nil if nothing is. Refusals were held back.
	Tx       *lbv1.Transaction
	Refusals []config.Refusal
}

// Once translates what is in a store as it stands, without a data plane: in rounds, until apply writes nothing that a round would read. An
// error of apply ends it.
func Once(s *store.Store, o Options, apply func(Round) error) error {
	engine, publisher := recompute.New(Config(o)), NewPublisher()
	sub := s.Subscribe()
	defer s.Unsubscribe(sub)
	for range maxRounds {
		snapshot, touched := sub.Take()
		if len(touched) == 0 {
			return nil
		}
		round := engine.Run(snapshot, touched)
		tx, refusals := publisher.Check(round.Tx)
		if err := apply(Round{touched, round.Writes, round.Problems, tx, refusals}); err != nil {
			return err
		}
	}
	return errUnsettled
}
