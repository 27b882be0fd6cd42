package serve

import (
	"fmt"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

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
	err = translate.Once(s, options(from), func(round translate.Round) error {
		writer.Apply(round.Writes, round.Touched, now)
		for _, r := range round.Refusals {
			return fmt.Errorf("%s %s is not fit to be published: %s", r.Kind, r.Name, r.Reason)
		}
		for _, p := range round.Problems {
			return fmt.Errorf("%s: %s", p.Unit, p.Text)
		}
		if round.Tx != nil {
			m.Apply(round.Tx)
		}
		return nil
	})
	if err != nil {
		return nil, problems, err
	}
	return m.All(), problems, nil
}
