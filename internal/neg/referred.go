package neg

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// tallyReferred is the index of the Service ports that Ingresses refer to, by Service.
const tallyReferred = "neg.referred"

// Referred is what the translator of an Ingress adds to its Counts for each Service port that the Ingress refers to: the port then
// has groups if its Service lets Ingresses have them.
func Referred(cluster, namespace, service string, port int32) recompute.Tally {
	return recompute.Tally{
		Index: tallyReferred, Key: unitkey.Join(cluster, namespace, service), Member: strconv.FormatInt(int64(port), 10),
	}
}
