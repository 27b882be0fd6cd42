package cluster

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	manifests "github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/store"
)

// askTimeout bounds how long a member may take to say which kinds it has.
const askTimeout = 10 * time.Second

// watcher keeps one member in the store.
type watcher struct {
	set    *Set
	kinds  []kind.Kind
	cancel context.CancelFunc // nil before it runs
	done   chan struct{}

	http  *http.Client
	asker *discovery.DiscoveryClient

	mu      sync.Mutex
	member  Member
	core    *core
	place   *place
	watches map[string]context.CancelFunc
	running sync.WaitGroup // reflectors
}

// newWatcher makes a watcher; restored is the time of what the store holds of the member already, or zero.
func newWatcher(s *Set, m Member, restored time.Time) *watcher {
	w := &watcher{set: s, member: m, kinds: Watched(m.ConfigCluster), done: make(chan struct{}), watches: map[string]context.CancelFunc{}}
	var names []string
	for _, k := range w.kinds {
		names = append(names, k.Ref())
	}
	w.core = newCore(limits{s.config.StaleAfter, s.config.ForgetAfter}, names, s.config.Now())
	if !restored.IsZero() {
		w.core.restore(restored)
	} else {
		s.config.Store.Commit(func(tx *store.Tx) {
			for _, name := range names {
				tx.SetFact(fact.Listed(home(m.Name, name), name), false)
			}
		})
	}
	w.place = w.placeKnown()
	w.show()
	return w
}

// stop ends a watcher; what it has put into the store stays.
func (w *watcher) stop() {
	if w.cancel != nil {
		w.cancel()
		<-w.done
	}
}

// run asks the member again and again until the context ends.
func (w *watcher) run(ctx context.Context) {
	defer w.running.Wait()
	tick := time.NewTicker(w.set.config.Poll)
	defer tick.Stop()
	for {
		w.ask(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// connect makes the clients; that fails for a configuration that cannot be used.
func (w *watcher) connect() error {
	config := rest.CopyConfig(w.member.REST)
	config.QPS, config.Burst = clientQPS, clientBurst
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	asker, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return err
	}
	w.http, w.asker = client, asker
	return nil
}

// ask finds out which kinds the member has, and whether it answers.
func (w *watcher) ask(ctx context.Context) {
	if w.asker == nil {
		if err := w.connect(); err != nil {
			w.obey(ctx, func(now time.Time) orders { return w.core.failed(now, err.Error()) })
			return
		}
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	served, unsure, err := discover(asking, w.asker, w.kinds)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.obey(ctx, func(now time.Time) orders { return w.core.failed(now, brief(err)) })
		return
	}
	w.mu.Lock()
	missing := w.core.missing(served)
	w.mu.Unlock()
	for i := range w.kinds {
		if k := &w.kinds[i]; slices.Contains(missing, k.Ref()) && !absent(asking, w.asker, k) {
			unsure = append(unsure, k.Ref())
		}
	}
	if ctx.Err() == nil {
		w.obey(ctx, func(now time.Time) orders { return w.core.discovered(now, served, unsure) })
	}
}

// obey does what the core decides.
func (w *watcher) obey(ctx context.Context, decide func(now time.Time) orders) {
	w.mu.Lock()
	o := decide(w.set.config.Now())
	for name, version := range o.watch {
		w.watch(ctx, name, version)
	}
	for _, name := range o.drop {
		w.unwatch(name)
	}
	w.set.config.Store.Commit(func(tx *store.Tx) { w.carryOut(tx, &o) })
	w.mu.Unlock()
	w.say(o.say)
	w.reconsider()
}

// carryOut does what orders say of objects.
func (w *watcher) carryOut(tx *store.Tx, o *orders) {
	none := func(store.Ref) bool { return false }
	for _, name := range o.drop {
		w.mirror(name).drop(tx, none)
		setListed(tx, home(w.member.Name, name), name)
	}
	for _, k := range w.kinds {
		if o.forget {
			w.mirror(k.Ref()).drop(tx, none)
			setListed(tx, home(w.member.Name, k.Ref()), k.Ref())
		} else if !o.mark.IsZero() {
			w.mirror(k.Ref()).mark(tx, o.mark)
		}
	}
}

// watch begins to watch a kind, in place of an earlier version of it; the lock is held.
func (w *watcher) watch(ctx context.Context, name, version string) {
	w.unwatch(name)
	k, _ := kind.Of(name)
	gv := schema.GroupVersion{Group: k.Group, Version: version}
	client, err := newClient(w.member.REST, w.http, w.set.codecs, gv)
	if err != nil {
		w.core.refused(w.set.config.Now(), name, err.Error(), true)
		return
	}
	from := &source{
		client: client, resource: k.Plural, selector: fieldSelector(name), gvk: gv.WithKind(k.Name),
		opened:  func() { w.opened(name) },
		refused: func(err error) { w.refused(ctx, name, err) },
	}
	example, _ := manifests.New(gv.String(), k.Name)
	example.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	watching, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard())) // what goes wrong is told by us
	w.watches[name] = cancel
	silent := klog.Logger(logr.Discard())
	reflector := cache.NewReflectorWithOptions(from.listWatch(), example, w.mirror(name), cache.ReflectorOptions{
		Name: w.member.Name + "/" + name, Logger: &silent,
		Backoff: &wait.Backoff{Duration: retryFirst, Cap: retryLast, Steps: retrySteps, Factor: 2, Jitter: 0.5},
	})
	w.running.Go(func() { reflector.RunWithContext(watching) })
}

// How often what does not work is tried again.
const (
	retryFirst = 200 * time.Millisecond
	retryLast  = 5 * time.Second
	retrySteps = 6
)

func (w *watcher) unwatch(name string) {
	if cancel := w.watches[name]; cancel != nil {
		cancel()
		delete(w.watches, name)
	}
}

func (w *watcher) mirror(name string) *mirror {
	return &mirror{
		store: w.set.config.Store, cluster: home(w.member.Name, name), kind: name, install: w.set.config.Install,
		listed: func() { w.listed(name) }, moved: w.reconsider,
	}
}

func (w *watcher) listed(name string) {
	w.set.counts.list(w.member.Name, name)
	w.mu.Lock()
	w.core.listed(name)
	w.mu.Unlock()
	w.reconsider()
}

func (w *watcher) opened(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.core.opened(name)
}

func (w *watcher) refused(ctx context.Context, name string, err error) {
	if ctx.Err() != nil {
		return
	}
	w.set.counts.failure(w.member.Name)
	w.mu.Lock()
	line := w.core.refused(w.set.config.Now(), name, brief(err), isAnswer(err))
	w.mu.Unlock()
	if line != "" {
		w.say([]string{line})
	}
	w.reconsider()
}

// reconsider shows how the member is, and looks at what that means for all.
func (w *watcher) reconsider() {
	w.mu.Lock()
	w.place = w.placeKnown()
	w.show()
	w.mu.Unlock()
	go w.set.news() // who waits for this watcher to end holds the set
}

// state says whether nothing of the member is to be waited for, and whether it is known where it stands, or that it cannot be.
func (w *watcher) state() (settled, placed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	settled = w.core.settled(w.set.config.Now())
	return settled, settled || w.place != nil
}

func (w *watcher) health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Health{Name: w.member.Name, Stale: w.core.stale, Waiting: w.core.waiting()}
}

// lastHeard is when the member answered last; zero if it never has, and nothing is known of it.
func (w *watcher) lastHeard() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.core.heard
}

// move takes in that the member stands elsewhere.
func (w *watcher) move(next Member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.member.Region, w.member.Zones, w.member.Origin = next.Region, next.Zones, next.Origin
	w.place = w.placeKnown()
	w.show()
}

// open counts the kinds that are watched and up to date.
func (w *watcher) open() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k := range maps.Values(w.core.kinds) {
		if k.known && k.version != "" && k.problem == "" && !w.core.stale {
			n++
		}
	}
	return n
}
