package rbac

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// planes are data planes that take everything at once.
type planes struct {
	publisher *translate.Publisher
	model     *view.Model
	progress  *controlplane.Progress
	holders   *controlplane.Holders
	open      map[string]bool
	seq       uint64
}

func newPlanes(m *view.Model) *planes {
	return &planes{
		publisher: translate.NewPublisher(), model: m, open: map[string]bool{},
		progress: controlplane.NewProgress(m.Get), holders: controlplane.NewHolders(m.Get),
	}
}

// take takes a transaction, and says so in the store.
func (p *planes) take(s *store.Store, snapshot *store.Snapshot, tx *lbv1.Transaction) {
	locations := controlplane.Locations(snapshot, "")
	for _, l := range locations {
		if !p.open[l.Region] {
			p.open[l.Region] = true
			p.progress.Open(l.Region)
		}
	}
	if tx, _ := p.publisher.Check(tx); tx != nil {
		p.progress.Publish(tx)
		p.holders.Publish(tx)
		p.model.Apply(tx)
		p.seq = tx.GetSeq()
	}
	for _, l := range locations {
		p.progress.Report(location.Report{Location: l.Region, Seq: p.seq})
	}
	changes := append(p.progress.Changes(true), p.holders.Changes()...)
	if len(changes) == 0 {
		return
	}
	s.Commit(func(tx *store.Tx) {
		for _, c := range changes {
			tx.SetFact(c.Fact, c.Value)
		}
	})
}
