package serve

import (
	"fmt"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// maxRounds bounds the rounds of Translate. Two do: what a round writes is read by none of its units.
const maxRounds = 10

// Translate makes the model of a directory without opening a socket or starting a process: every Pod whose image is
// known is imagined to run. namespace and from are as in Config.
func Translate(dir, namespace, from string, now time.Time) (*lbv1.Model, []manifests.Problem, error) {
	delta, problems, err := manifests.Read(dir, namespace)
	if err != nil {
		return nil, nil, err
	}
	s := store.New(indexes()...)
	s.Commit(delta.Apply)
	writer := status.NewWriter(s, status.Limits{})
	standalone.Fabricate(s, writer, standalone.Options{Dir: dir}, now)
	m := view.NewModel()
	engine := recompute.New(translate.Config(options(from)))
	publisher := translate.NewPublisher()
	sub := s.Subscribe()
	for range maxRounds {
		snapshot, touched := sub.Take()
		if len(touched) == 0 {
			break
		}
		round := engine.Run(snapshot, touched)
		writer.Apply(round.Writes, touched, now)
		tx, refusals := publisher.Check(round.Tx)
		for _, r := range refusals {
			return nil, problems, fmt.Errorf("%s %s is not fit to be published: %s", r.Kind, r.Name, r.Reason)
		}
		for _, p := range round.Problems {
			return nil, problems, fmt.Errorf("%s: %s", p.Unit, p.Text)
		}
		if tx != nil {
			m.Apply(tx)
		}
	}
	return m.All(), problems, nil
}
