package policy

import (
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Reconciled is GKE's own condition of what is served as it is written.
const (
	conditionReconciled = "Reconciled"
	reasonReconciled    = "ReconciliationSucceeded"

	reasonNotInForce = "ReconciliationFailed"
	reasonPending    = "Pending"

	pendingText = "waiting for the proxies to serve it"
)

// inForce holds an outcome against what the proxies made of the target: a policy applies when every proxy has taken it.
func (o outcome) inForce(v *recompute.View, t Target) outcome {
	if !o.ok {
		return o
	}
	of, ok := published(v, t)
	if !ok {
		return o
	}
	progress, known := recompute.Fact[fact.Progress](v, fact.ProgressOf(of))
	switch {
	case known && progress.Taken():
		return o
	case known && len(progress.Refused) > 0:
		return outcome{reason: reasonNotInForce, message: progress.String()}
	case known:
		return outcome{pending: true, reason: reasonPending, message: progress.String()}
	}
	return outcome{pending: true, reason: reasonPending, message: pendingText}
}

// published is the object of whose resources a target's settings become part; ok is false while there are none, because no
// Gateway sends requests there. What is said of an export is part of the import's.
func published(v *recompute.View, t Target) (of store.Ref, ok bool) {
	of = store.Ref{Cluster: t.Cluster, Kind: kind.Gateway, Namespace: t.Namespace, Name: t.Name}
	switch t.Kind {
	case Gateway:
		return of, true
	case ServiceExport:
		t.Kind = ServiceImport
		if t.Cluster, _ = fleet.ConfigCluster(v); t.Cluster == "" {
			return of, false
		}
		of.Cluster = t.Cluster
		fallthrough
	case ServiceImport:
		of.Kind = kind.ServiceImport
	case Service:
		of.Kind = kind.Service
	}
	return of, len(v.First(tallyAncestors, t.key(), 1)) > 0
}
