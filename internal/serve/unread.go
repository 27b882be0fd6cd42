package serve

import (
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// unreadFiles maps the files of the start that are still to be read to their clusters; "" is that of a file that may be
// any cluster's. What units enumerate of such a cluster is not listed yet.
type unreadFiles map[string]string

// apply takes a delta in, and commits what is listed now.
func (u unreadFiles) apply(tx *store.Tx, delta *manifests.Delta) {
	before := u.clusters(tx)
	for _, f := range delta.Unread {
		u[f.Path] = f.Cluster
	}
	for _, file := range delta.Read {
		delete(u, file)
	}
	now := u.clusters(tx)
	for cluster := range now {
		setListed(tx, cluster, false)
	}
	for cluster := range before {
		if !now[cluster] {
			setListed(tx, cluster, true)
		}
	}
}

// clusters are those of which something is unread: all of them, and the list of clusters, if a file may be any cluster's.
func (u unreadFiles) clusters(tx *store.Tx) map[string]bool {
	clusters := map[string]bool{}
	for _, cluster := range u {
		clusters[cluster] = true
	}
	if clusters[""] {
		tx.Walk(kind.Cluster, "", "", func(e *store.Entry) bool {
			clusters[e.Ref.Cluster] = true
			return true
		})
	}
	return clusters
}

func setListed(tx *store.Tx, cluster string, listed bool) {
	for _, k := range kind.All() {
		tx.SetFact(fact.Listed(cluster, k.Ref()), listed)
	}
}
