package manifests

import (
	"bytes"
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/store"
)

// Loader turns file contents into objects. It does no I/O and reads no clock. One goroutine may use it at a time.
type Loader struct {
	// Namespace is that of objects that name none, where their cluster.yaml says nothing; "default" if empty. It is set
	// before the first Load.
	Namespace string

	registry *schema.Registry

	files     map[string]*file
	layout    layout
	claims    map[store.Ref][]*claim     // who says what an object is, in order of path
	published map[store.Ref]*publication // what the store has
	populated map[namespace]int          // number of published objects
	problems  map[string][]Problem       // by file, as last reported
	members   map[string]bool            // clusters whose Cluster object is published
}

// file is what is known of one file.
type file struct {
	path      string
	modTime   time.Time
	gone      bool
	manifests []*manifest // what counts, last good versions included
	problems  []Problem   // of the file by itself
	claims    []*claim
	placed    placement
}

// claim is a file saying what an object is.
type claim struct {
	ref      store.Ref
	file     *file
	index    int
	manifest *manifest
}

// publication is an object that the store has.
type publication struct {
	object store.Object
	claim  *claim // nil for what no file holds
}

// namespace is a namespace of a cluster.
type namespace struct {
	cluster, name string
}

// NewLoader starts without files. Its first Load should hold every file there is, and be made even if there is none.
func NewLoader() *Loader {
	return &Loader{
		registry:  schema.NewRegistry(),
		files:     map[string]*file{},
		claims:    map[store.Ref][]*claim{},
		published: map[store.Ref]*publication{},
		populated: map[namespace]int{},
		problems:  map[string][]Problem{},
		members:   map[string]bool{},
	}
}

func (l *Loader) defaultNamespace() string { return cmp.Or(l.Namespace, metav1.NamespaceDefault) }

// step is one Load in the making.
type step struct {
	*Loader
	now          time.Time
	touchedFiles map[string]bool
	touchedRefs  map[store.Ref]bool
	// clusters says that the layout may have changed, or what Cluster objects are completed with.
	clusters bool
	delta    Delta
}

// Load takes the files that changed and returns what follows. Files without a manifest's name are left out. The time
// is the creation time of what no file holds.
func (l *Loader) Load(events []Event, now time.Time) Delta {
	s := &step{Loader: l, now: now, touchedFiles: map[string]bool{}, touchedRefs: map[store.Ref]bool{}}
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !isManifestFile(e.Path) && e.Failure == nil && !e.Gone })
	for i, p := range l.parseAll(events) {
		s.takeFile(events[i], p)
	}
	s.arrange()
	for name := range s.touchedFiles {
		s.claimAgain(name)
	}
	s.publishClaims()
	if s.clusters || s.touchedFiles[configurationFile] {
		s.publishClusters()
	}
	s.reportProblems()
	s.delta.At = now
	slices.SortFunc(s.delta.Upserts, func(a, b Upsert) int {
		return compareRefs(store.RefTo(a.Cluster, a.Object), store.RefTo(b.Cluster, b.Object))
	})
	slices.SortFunc(s.delta.Deletes, compareRefs)
	return s.delta
}

// Problems returns everything that is wrong now, in order of file and line.
func (l *Loader) Problems() []Problem {
	var all []Problem
	for _, ps := range l.problems {
		all = append(all, ps...)
	}
	SortProblems(all)
	return all
}

// parseAll parses on every core.
func (l *Loader) parseAll(events []Event) []parsed {
	out := make([]parsed, len(events))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(events)) {
		workers.Go(func() {
			for i := range next {
				if e := events[i]; !e.Gone && e.Failure == nil {
					out[i] = parse(l.registry, e.Path, e.Data)
				}
			}
		})
	}
	for i := range events {
		next <- i
	}
	close(next)
	workers.Wait()
	return out
}

// takeFile updates one file: last good versions stay while the file is broken.
func (s *step) takeFile(e Event, p parsed) {
	s.touchedFiles[e.Path] = true
	f := s.files[e.Path]
	if e.Gone {
		if f != nil {
			f.manifests, f.problems, f.gone = nil, nil, true
		}
		return
	}
	if f == nil {
		f = &file{path: e.Path}
		s.files[e.Path] = f
	}
	f.modTime, f.problems, f.gone = e.ModTime, p.problems, false
	switch {
	case e.Failure != nil:
		f.problems = []Problem{{File: e.Path, Rule: e.Failure.Rule, Message: e.Failure.Message, Severity: Error}}
	case len(bytes.TrimSpace(e.Data)) == 0 && len(f.manifests) > 0:
		f.problems = []Problem{{
			File: e.Path, Rule: RuleEmpty, Severity: Warning,
			Message: "the file is empty, as files are that somebody is about to write; what it held keeps serving until it is deleted or written",
		}}
	case len(bytes.TrimSpace(e.Data)) == 0:
		f.problems = []Problem{{File: e.Path, Rule: RuleEmpty, Severity: Note, Message: "the file is empty"}}
	case p.whole:
		f.manifests = p.manifests
	default:
		f.manifests = withLastGood(p.manifests, f.manifests)
	}
}

// withLastGood adds the old manifests of the objects that the new ones do not mention.
func withLastGood(fresh, old []*manifest) []*manifest {
	mentioned := map[store.Ref]bool{}
	for _, m := range fresh {
		mentioned[m.identity()] = true
	}
	for _, m := range old {
		if !mentioned[m.identity()] {
			fresh = append(fresh, m)
		}
	}
	return fresh
}

// claimAgain replaces the claims of a file.
func (s *step) claimAgain(name string) {
	f := s.files[name]
	if f == nil {
		return
	}
	for _, c := range f.claims {
		s.claims[c.ref] = slices.DeleteFunc(s.claims[c.ref], func(other *claim) bool { return other == c })
		if len(s.claims[c.ref]) == 0 {
			delete(s.claims, c.ref)
		}
		s.touchedRefs[c.ref] = true
	}
	f.claims = nil
	f.placed = s.layout.place(f)
	for i, m := range f.manifests {
		ref, ok := f.placed.ref(m)
		if !ok {
			continue
		}
		c := &claim{ref: ref, file: f, index: i, manifest: m}
		f.claims = append(f.claims, c)
		s.claims[ref] = append(s.claims[ref], c)
		slices.SortFunc(s.claims[ref], func(a, b *claim) int {
			return cmp.Or(cmp.Compare(a.file.path, b.file.path), cmp.Compare(a.index, b.index))
		})
		s.touchedRefs[ref] = true
	}
	if f.gone {
		delete(s.files, name)
	}
}

// publishClaims settles every touched object, and then the namespaces that came into use or went out of it.
func (s *step) publishClaims() {
	for len(s.touchedRefs) > 0 {
		refs := slices.SortedFunc(maps.Keys(s.touchedRefs), compareRefs)
		s.touchedRefs = map[store.Ref]bool{}
		for _, ref := range refs {
			for _, c := range s.claims[ref] {
				s.touchedFiles[c.file.path] = true
			}
			s.settle(ref)
		}
	}
}

// settle publishes the claim that counts.
func (s *step) settle(ref store.Ref) {
	winner := s.winner(ref)
	switch {
	case winner != nil:
		m := winner.manifest
		object := m.object
		if m.used {
			object = object.DeepCopyObject().(store.Object)
		}
		object.SetNamespace(ref.Namespace)
		m.used = true
		s.publish(ref, object, winner, m.kind.Generations)
	case s.inUse(ref):
		s.publish(ref, implicitNamespace(ref.Name), nil, false)
	default:
		s.unpublish(ref)
	}
}

// winner is the claim of the file that serves already, else the first.
func (l *Loader) winner(ref store.Ref) *claim {
	claims := l.claims[ref]
	if len(claims) == 0 {
		return nil
	}
	if p := l.published[ref]; p != nil && p.claim != nil {
		for _, c := range claims {
			if c.file == p.claim.file {
				return c
			}
		}
	}
	return claims[0]
}

func compareRefs(a, b store.Ref) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
