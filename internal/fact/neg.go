package fact

import "github.com/spillway-lb/spillway/internal/store"

// Kinds of facts about network endpoint groups.
const (
	KindDegraded  = "neg-degraded"
	KindSynced    = "neg-synced"
	KindCollected = "neg-collected"
	KindOrphan    = "neg-orphan"
)

// Degraded names the fact that the groups of a Service port, by package neg's key, are in degraded mode. Its value is true; there
// is none if they are not.
func Degraded(key string) store.Fact { return store.Fact{Kind: KindDegraded, Key: key} }

// Synced names the time, a time.Time, at which the groups of a Service port were last compared with its endpoints.
func Synced(key string) store.Fact { return store.Fact{Kind: KindSynced, Key: key} }

// Collected names the fact that the groups of a ServiceNetworkEndpointGroup that nobody wants may go. Its value is true.
func Collected(svcneg store.Ref) store.Fact {
	return store.Fact{Kind: KindCollected, Key: svcneg.String()}
}

// Orphan is a group whose cluster has gone before it did: it stays until somebody deletes it by hand.
type Orphan struct {
	Cluster, Region, Zone string
	DefaultPort           uint32
	Description           string
}

// OrphanOf names an orphan by its group's resource name, ZONE/NEG.
func OrphanOf(group string) store.Fact { return store.Fact{Kind: KindOrphan, Key: group} }
