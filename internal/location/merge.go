package location

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// merge makes one transaction of two; older may be nil. For each resource the newer one's word counts.
func merge(older, newer *lbv1.Transaction) *lbv1.Transaction {
	if older == nil {
		return newer
	}
	said := map[[2]string]bool{}
	for _, r := range newer.GetUpserts() {
		key := lbv1.KeyOf(r)
		said[[2]string{key.GetKind(), key.GetName()}] = true
	}
	for _, key := range newer.GetDeletes() {
		said[[2]string{key.GetKind(), key.GetName()}] = true
	}
	out := &lbv1.Transaction{Seq: newer.GetSeq()}
	for _, r := range older.GetUpserts() {
		if key := lbv1.KeyOf(r); !said[[2]string{key.GetKind(), key.GetName()}] {
			out.Upserts = append(out.Upserts, r)
		}
	}
	for _, key := range older.GetDeletes() {
		if !said[[2]string{key.GetKind(), key.GetName()}] {
			out.Deletes = append(out.Deletes, key)
		}
	}
	out.Upserts = append(out.Upserts, newer.GetUpserts()...)
	out.Deletes = append(out.Deletes, newer.GetDeletes()...)
	return out
}
