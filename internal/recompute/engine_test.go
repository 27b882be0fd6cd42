package recompute_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// The toy fleet of these tests: ConfigMaps are roots. A ConfigMap's data says what its unit does:
//
//	read: NAMES     values of other ConfigMaps' units
//	text: TEXT      goes into the value and the published resource
//	join: KEY       a tally that the unit counter(KEY) publishes the size and the first two of
//	watch: KEY      read counter(KEY), which makes it exist
//	first: KEY      read the first member of the tally itself
//	hold, absent, panic: the unit's state; keep: its value counts, what it published stays
//	bad: the last version without it counts
//	name: NAME      the resource and the write are called so, instead of after the ConfigMap
//	count: KEY      a tally that is counted whatever is published
func toyUnits() map[string]recompute.Translator {
	return map[string]recompute.Translator{"toy": translateToy, "counter": translateCounter}
}

func translateToy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	cm, ok := recompute.Get[*corev1.ConfigMap](v, ref)
	if !ok {
		return recompute.Result{}
	}
	good := store.Object(cm)
	if cm.Data["bad"] != "" {
		good = v.Good()
		if good == nil {
			return recompute.Result{}
		}
		cm = good.(*corev1.ConfigMap)
	}
	value := cm.Data["text"]
	for _, name := range strings.Fields(cm.Data["read"]) {
		other, _, held := recompute.Value[string](v, "toy", refOf(name).String())
		if held {
			return recompute.Result{State: recompute.Held}
		}
		value += "(" + other + ")"
	}
	if set := cm.Data["watch"]; set != "" {
		n, _, _ := recompute.Value[int](v, "counter", set)
		value += fmt.Sprintf("[%d]", n)
	}
	if set := cm.Data["first"]; set != "" {
		value += fmt.Sprint(v.First("joined", set, 1))
	}
	switch {
	case cm.Data["hold"] != "":
		return recompute.Result{State: recompute.Held, Writes: toyWrites(ref, "held")}
	case cm.Data["absent"] != "":
		return recompute.Result{Writes: toyWrites(ref, "absent")}
	case cm.Data["panic"] != "":
		panic("told to")
	}
	own := ref
	if name := cm.Data["name"]; name != "" {
		own.Name = name
	}
	r := recompute.Result{
		State: recompute.Present, Value: value, Resources: toyResources(own.Name, value), Writes: toyWrites(own, value),
		KeepPublished: cm.Data["keep"] != "", Good: good,
	}
	if set := cm.Data["join"]; set != "" {
		r.Tallies = []recompute.Tally{{Index: "joined", Key: set, Member: ref.Name}}
	}
	if set := cm.Data["count"]; set != "" {
		r.Counts = []recompute.Tally{{Index: "joined", Key: set, Member: "#" + ref.Name}}
	}
	return r
}

func translateCounter(v *recompute.View, key string) recompute.Result {
	n := v.Count("joined", key)
	text := fmt.Sprintf("%d %v", n, v.First("joined", key, 2))
	return recompute.Result{State: recompute.Present, Value: n, Resources: toyResources("counter-"+key, text)}
}

func toyResources(name, text string) []*lbv1.Resource {
	return []*lbv1.Resource{{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: text}}}}
}

func toyWrites(ref store.Ref, text string) []recompute.Write {
	return []recompute.Write{{Ref: ref, Part: recompute.PartAnnotations, Value: map[string]string{"text": text}}}
}

func refOf(name string) store.Ref {
	return store.Ref{Cluster: "c", Kind: "ConfigMap", Namespace: "n", Name: name}
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name}, Data: data,
	}
}

// world is a store and an engine on it.
type world struct {
	t      testing.TB
	store  *store.Store
	sub    *store.Subscription
	engine *recompute.Engine
	runs   map[string]int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: store.New(), runs: map[string]int{}}
	w.sub = w.store.Subscribe()
	units := toyUnits()
	for kind, translate := range units {
		units[kind] = func(v *recompute.View, key string) recompute.Result {
			w.runs[kind+" "+key[strings.LastIndexByte(key, '/')+1:]]++
			return translate(v, key)
		}
	}
	w.engine = recompute.New(recompute.Config{Units: units, Roots: toyRoots()})
	return w
}

func toyRoots() []recompute.Root { return []recompute.Root{{Kind: "ConfigMap", Unit: "toy"}} }

// put stores objects given as NAME, then KEY=VALUE..., and runs a round.
func (w *world) put(objects ...[]string) recompute.Round {
	return w.commit(func(tx *store.Tx) {
		for _, o := range objects {
			data := map[string]string{}
			for _, pair := range o[1:] {
				key, value, _ := strings.Cut(pair, "=")
				data[key] = value
			}
			tx.Put("c", configMap(o[0], data), "")
		}
	})
}

func (w *world) delete(name string) recompute.Round {
	return w.commit(func(tx *store.Tx) { tx.Delete(refOf(name)) })
}

func (w *world) commit(f func(*store.Tx)) recompute.Round {
	clear(w.runs)
	w.store.Commit(f)
	snapshot, touched := w.sub.Take()
	return w.engine.Run(snapshot, touched)
}

func show(resources []*lbv1.Resource) []string {
	var out []string
	for _, r := range resources {
		out = append(out, r.GetName()+"="+r.GetUrlMap().GetDefaultService())
	}
	return out
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := show(w.engine.Resources()); !slices.Equal(got, want) {
		w.t.Errorf("published %q, want %q", got, want)
	}
}

func TestAnEditRunsOnlyItsReaders(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"}, []string{"b", "read=a"}, []string{"x", "text=9"})
	w.expect("a=1", "b=(1)", "x=9")
	round := w.put([]string{"a", "text=2"})
	w.expect("a=2", "b=(2)", "x=9")
	if w.runs["toy x"] != 0 || w.runs["toy a"] != 1 || w.runs["toy b"] != 1 {
		t.Errorf("runs: %v", w.runs)
	}
	if got := show(round.Tx.GetUpserts()); !slices.Equal(got, []string{"a=2", "b=(2)"}) || round.Tx.GetSeq() != 2 {
		t.Errorf("transaction %d: %q", round.Tx.GetSeq(), got)
	}
}

func TestAnEqualOutputWakesNobody(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"}, []string{"b", "read=a"})
	round := w.put([]string{"a", "text=1", "comment=x"})
	if w.runs["toy b"] != 0 || round.Tx != nil || len(round.Writes) != 0 {
		t.Errorf("runs %v, round %v", w.runs, round)
	}
}

func TestAMissIsARead(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"b", "read=a"})
	w.expect("b=()")
	w.put([]string{"a", "text=1"})
	w.expect("a=1", "b=(1)")
}

func TestUnitsLiveAsLongAsTheyAreRead(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "watch=k"}, []string{"b", "watch=k"})
	w.expect("a=[0]", "b=[0]", "counter-k=0 []")
	w.delete("a")
	w.expect("b=[0]", "counter-k=0 []")
	round := w.delete("b")
	w.expect()
	if len(round.Tx.GetDeletes()) != 2 {
		t.Errorf("deletes %v", round.Tx.GetDeletes())
	}
}

func TestHoldKeepsWhatIsPublished(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"}, []string{"b", "read=a"})
	round := w.put([]string{"a", "text=2", "hold=yes"})
	w.expect("a=1", "b=(1)")
	if len(round.Writes) != 1 || round.Writes[0].Value.(map[string]string)["text"] != "held" {
		t.Errorf("writes %v", round.Writes)
	}
	w.put([]string{"a", "text=3"})
	w.expect("a=3", "b=(3)")
}

func TestKeepPublishedShowsTheValueOnly(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1", "read=x"}, []string{"b", "read=a"}, []string{"x", "watch=k"})
	w.expect("a=1([0])", "b=(1([0]))", "counter-k=0 []", "x=[0]")
	w.put([]string{"a", "text=2", "keep=yes"})
	w.expect("a=1([0])", "b=(2)", "counter-k=0 []", "x=[0]")
	w.put([]string{"a", "text=3"})
	w.expect("a=3", "b=(3)", "counter-k=0 []", "x=[0]")
}

func TestTheLastGoodVersionIsTranslatedAgain(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"b", "text=1"}, []string{"a", "text=x", "read=b"})
	w.put([]string{"a", "bad=yes"})
	w.expect("a=x(1)", "b=1")
	w.put([]string{"b", "text=2"})
	w.expect("a=x(2)", "b=2")

	seq, published := w.engine.Published()
	w.engine = recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots(), Published: published, Seq: seq})
	w.sub = w.store.Subscribe()
	w.put([]string{"b", "text=3"})
	w.expect("a=x(3)", "b=3")
	w.put([]string{"a", "text=y"})
	w.expect("a=y", "b=3")
	w.delete("a")
	w.put([]string{"a", "bad=yes"})
	w.expect("b=3")
}

func TestHoldAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"}, []string{"b", "read=a"}, []string{"gone", "text=1"})
	seq, published := w.engine.Published()
	w.store.Commit(func(tx *store.Tx) {
		tx.Put("c", configMap("a", map[string]string{"hold": "yes"}), "")
		tx.Delete(refOf("gone"))
	})
	restarted := recompute.New(recompute.Config{Units: toyUnits(), Roots: toyRoots(), Published: published, Seq: seq})
	snapshot, touched := w.store.Subscribe().Take()
	round := restarted.Run(snapshot, touched)
	if got := show(restarted.Resources()); !slices.Equal(got, []string{"a=1", "b=(1)"}) {
		t.Errorf("published %q", got)
	}
	if len(round.Tx.GetUpserts()) != 0 || len(round.Tx.GetDeletes()) != 1 || round.Tx.GetSeq() != seq+1 {
		t.Errorf("transaction %v", round.Tx)
	}
}

func TestAPanicHoldsItsUnitOnly(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"}, []string{"b", "text=1"})
	round := w.put([]string{"a", "panic=yes"}, []string{"b", "text=2"})
	w.expect("a=1", "b=2")
	if len(round.Problems) != 1 || !strings.Contains(round.Problems[0].Text, "told to") {
		t.Errorf("problems %v", round.Problems)
	}
}

func TestACycleIsAProblem(t *testing.T) {
	w := newWorld(t)
	round := w.put([]string{"a", "read=b"}, []string{"b", "read=a"}, []string{"c", "text=1"})
	w.expect("c=1")
	if len(round.Problems) == 0 || !strings.Contains(round.Problems[0].Text, "a cycle") {
		t.Errorf("problems %v", round.Problems)
	}
}

func TestTallies(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"w", "watch=k"}, []string{"a", "join=k"}, []string{"b", "join=k"}, []string{"c", "join=k"})
	w.expect("a=", "b=", "c=", "counter-k=3 [a b]", "w=[3]")
	if n := w.runs["counter k"]; n > 2 {
		t.Errorf("the counter ran %d times", n)
	}
	w.put([]string{"a", "join=k", "text=1"})
	if w.runs["counter k"] != 0 {
		t.Error("an edit that leaves the tally alone ran the counter")
	}
	w.delete("a")
	w.expect("b=", "c=", "counter-k=2 [b c]", "w=[2]")
}

func TestWritesGoWithTheirUnit(t *testing.T) {
	w := newWorld(t)
	w.put([]string{"a", "text=1"})
	round := w.delete("a")
	if len(round.Writes) != 1 || !round.Writes[0].Removed {
		t.Errorf("writes %v", round.Writes)
	}
}

func TestFactsAreInputs(t *testing.T) {
	ack := func(key string) store.Fact { return store.Fact{Kind: "ack", Key: key} }
	s, runs := store.New(), map[string]int{}
	sub := s.Subscribe()
	engine := recompute.New(recompute.Config{Roots: toyRoots(), Units: map[string]recompute.Translator{
		"toy": func(v *recompute.View, key string) recompute.Result {
			ref, _ := store.ParseRef(key)
			runs[ref.Name]++
			if ref.Name == "all" {
				return recompute.Result{State: recompute.Present, Resources: toyResources("all", fmt.Sprint(v.Facts("ack")))}
			}
			n, ok := recompute.Fact[int](v, ack(ref.Name))
			return recompute.Result{State: recompute.Present, Resources: toyResources(ref.Name, fmt.Sprint(n, ok))}
		},
	}})
	for i, step := range []struct {
		do   func(*store.Tx)
		want []string
		runs map[string]int
	}{
		{func(tx *store.Tx) {
			for _, name := range []string{"a", "all", "b"} {
				tx.Put("c", configMap(name, nil), "")
			}
		}, []string{"a=0 false", "all=[]", "b=0 false"}, map[string]int{"a": 1, "all": 1, "b": 1}},
		{func(tx *store.Tx) { tx.SetFact(ack("a"), 7) }, []string{"a=7 true", "all=[a]", "b=0 false"}, map[string]int{"a": 1, "all": 1}},
		{func(tx *store.Tx) { tx.SetFact(ack("a"), 8) }, []string{"a=8 true", "all=[a]", "b=0 false"}, map[string]int{"a": 1}},
		{func(tx *store.Tx) { tx.SetFact(ack("a"), 8) }, []string{"a=8 true", "all=[a]", "b=0 false"}, nil},
		{func(tx *store.Tx) { tx.SetFact(ack("a"), nil) }, []string{"a=0 false", "all=[]", "b=0 false"}, map[string]int{"a": 1, "all": 1}},
	} {
		clear(runs)
		s.Commit(step.do)
		snapshot, touched := sub.Take()
		engine.Run(snapshot, touched)
		if got := show(engine.Resources()); !slices.Equal(got, step.want) {
			t.Errorf("step %d: published %q, want %q", i, got, step.want)
		}
		if !maps.Equal(runs, step.runs) {
			t.Errorf("step %d: runs %v, want %v", i, runs, step.runs)
		}
	}
}

// TestEveryReaderOfATallySeesItsEnd: two roots read the same first member, a third root joins the set; whichever order they
// run in, both readers end with what the set has come to.
func TestEveryReaderOfATallySeesItsEnd(t *testing.T) {
	for _, order := range [][]string{{"a", "c", "b"}, {"a", "b", "c"}, {"c", "a", "b"}, {"b", "c", "a"}, {"z", "c", "a"}, {"a", "z", "m"}} {
		w := newWorld(t)
		w.commit(func(tx *store.Tx) {
			for i, name := range order {
				data := map[string]string{"first": "k"}
				if i == 1 {
					data = map[string]string{"join": "k"}
				}
				tx.Put("c", configMap(name, data), "")
			}
		})
		for _, r := range show(w.engine.Resources()) {
			if name, text, _ := strings.Cut(r, "="); name != order[1] && text != "["+order[1]+"]" {
				t.Errorf("order %v: %s", order, r)
			}
		}
	}
}

func TestInterestIsWhatIsRead(t *testing.T) {
	secret := func(name string) store.Ref {
		return store.Ref{Cluster: "c", Kind: "Secret", Namespace: "n", Name: name}
	}
	units := map[string]recompute.Translator{"toy": func(v *recompute.View, key string) recompute.Result {
		ref, _ := store.ParseRef(key)
		cm, _ := recompute.Get[*corev1.ConfigMap](v, ref)
		for _, name := range strings.Fields(cm.Data["secrets"]) {
			v.Get(secret(name))
		}
		if cm.Data["list"] != "" {
			v.List("Service", "c", "")
		}
		return recompute.Result{State: recompute.Present}
	}}
	s := store.New()
	sub := s.Subscribe()
	engine := recompute.New(recompute.Config{Units: units, Roots: toyRoots()})
	for i, step := range []struct {
		data          map[string]string
		secrets, list string
	}{
		{map[string]string{"secrets": "b a"}, "{false [Secret/c/n/a Secret/c/n/b]}", "{false []}"},
		{map[string]string{"secrets": "b", "list": "yes"}, "{false [Secret/c/n/b]}", "{true []}"},
		{nil, "{false []}", "{false []}"},
	} {
		s.Commit(func(tx *store.Tx) { tx.Put("c", configMap("x", step.data), "") })
		engine.Run(sub.Take())
		if got := fmt.Sprint(engine.Interest("Secret")); got != step.secrets {
			t.Errorf("step %d: Secrets %s, want %s", i, got, step.secrets)
		}
		if got := fmt.Sprint(engine.Interest("Service")); got != step.list {
			t.Errorf("step %d: Services %s, want %s", i, got, step.list)
		}
		if got := fmt.Sprint(engine.Interest("ConfigMap")); got != "{true [ConfigMap/c/n/x]}" {
			t.Errorf("step %d: ConfigMaps %s", i, got)
		}
	}
}

// TestUnseenIsOfAnEarlierProcess: what a unit remembers may come after a restart; what this process has seen and sees no more is gone.
func TestUnseenIsOfAnEarlierProcess(t *testing.T) {
	remembered := refOf("x")
	config := recompute.Config{Roots: toyRoots(), Units: map[string]recompute.Translator{
		"toy": func(v *recompute.View, key string) recompute.Result {
			if ref, _ := store.ParseRef(key); ref == remembered {
				return recompute.Result{}
			}
			result := recompute.Result{State: recompute.Present, Resources: toyResources("r", "gone"), Good: v.Unseen()}
			if result.Good != nil {
				result.Resources = toyResources("r", "may come")
			}
			if x := v.Get(remembered); x != nil {
				result.Resources, result.Good = toyResources("r", "here"), x
			}
			return result
		},
	}}
	w := newWorld(t)
	start := func() {
		w.store, w.engine = store.New(), recompute.New(config)
		w.sub = w.store.Subscribe()
	}
	restart := func() {
		config.Seq, config.Published = w.engine.Published()
		start()
	}
	start()
	w.put([]string{"reader"})
	w.expect("r=gone")
	w.put([]string{"x"})
	w.expect("r=here")
	for range 2 { // also of the process before that
		restart()
		w.put([]string{"reader"})
		w.expect("r=may come")
		w.put([]string{"reader", "another=run"})
		w.expect("r=may come")
	}
	w.put([]string{"x"})
	w.expect("r=here")
	w.delete("x")
	w.expect("r=gone")
	restart()
	w.put([]string{"reader"})
	w.expect("r=gone")
}
