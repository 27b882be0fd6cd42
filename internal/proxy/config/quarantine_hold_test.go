package config

import "testing"

// TestADeleteOutlivesItsStub: a backend service that goes while a rule that is held names it leaves a stub behind. Where that is
// refused, too, it is the delete that is tried again.
func TestADeleteOutlivesItsStub(t *testing.T) {
	var q Quarantine
	root, _ := q.Apply(New(west), upsert(store()...))
	k := key{kindBackendService, "west"}
	for name, refuse := range map[string]func(candidates map[key]waiting){
		"by name": func(candidates map[key]waiting) {
			q.move(root, candidates, Refusal{Kind: k.kind, Name: k.name, Reason: "stub"})
		},
		"with all": func(candidates map[key]waiting) { q.withhold(root, candidates, errTest("stub")) },
	} {
		q.waiting = map[key]waiting{}
		candidates := map[key]waiting{k: {}}
		if !q.move(root, candidates, Refusal{Kind: k.kind, Name: k.name, Reason: "named"}) || candidates[k].resource == nil {
			t.Fatalf("%s: no stub: %v", name, candidates)
		}
		refuse(candidates)
		if w, ok := q.waiting[k]; !ok || w.resource != nil || w.reason != "stub" || len(candidates) > 0 {
			t.Errorf("%s: %v waits, %v are left", name, w, candidates)
		}
	}
}

type errTest string

func (e errTest) Error() string { return string(e) }
