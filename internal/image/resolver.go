package image

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/store"
)

// fetchTime bounds one look-up with its download. Checking has its own limit.
const fetchTime = 2 * time.Minute

// Options are a resolver's.
type Options struct {
	Store  *store.Store
	Images *oci.Store
	// Wanted lists the images that the store's GCPWasmPlugins name.
	Wanted func(*store.Snapshot) []fact.ImageRequest
	// Check says what is wrong with a module, so that no proxy is given one that it would refuse. It may take a minute, and ends
	// with the context. Nil takes all.
	Check func(ctx context.Context, r fact.ImageRequest, digest string, module []byte) error
	// Pins is the file of digests; none if empty.
	Pins string
	// Say tells users what went wrong with it.
	Say func(format string, args ...any)
	Now func() time.Time
}

// Resolver keeps the facts of images.
type Resolver struct {
	options Options
	wake    chan struct{}
	results chan result

	mu    sync.Mutex
	core  *Core
	saved map[fact.ImageRequest]string
	// underWay end the jobs that are.
	underWay map[fact.ImageRequest]context.CancelFunc
}

type result struct {
	job   Job
	image fact.Image
}

// NewResolver makes one that goes on with the digests of an earlier process.
func NewResolver(o Options) *Resolver {
	r := &Resolver{options: o, wake: make(chan struct{}, 1), results: make(chan result), underWay: map[fact.ImageRequest]context.CancelFunc{}}
	var pins map[fact.ImageRequest]string
	if o.Pins != "" {
		var err error
		if pins, err = loadPins(o.Pins); err != nil {
			o.Say("digests of plugins' images: %v; starting without them", err)
		}
	}
	r.core = NewCore(pins)
	r.core.Local = o.Images.Local
	r.saved = r.core.Pins()
	return r
}

// Look takes up what a round is about to read: which images are wanted. What an earlier process had, and is still here as it
// was, is known at once; all else takes its time, in which rounds go on.
func (r *Resolver) Look(snapshot *store.Snapshot, touched []string) {
	if !slices.ContainsFunc(touched, func(read string) bool {
		ref, ok := store.ObjectOf(read)
		return ok && ref.Kind == kind.GCPWasmPlugin
	}) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	for _, request := range r.core.Want(now, r.options.Wanted(snapshot)) {
		r.stop(request)
	}
	for _, j := range r.core.Fresh() {
		if j.Digest == "" {
			continue
		}
		if image, ok := r.remembered(j); ok {
			r.core.Remember(now, j, image)
		} else if r.options.Images.Local(j.Request.Image) {
			r.core.Forget(j) // it is another one by now
		}
	}
	r.commit()
	r.goOn()
}

// Again tries at once what could not be had: an image has been pushed.
func (r *Resolver) Again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.core.Again(r.options.Now())
	r.goOn()
}

// goOn has Run look at what is due.
func (r *Resolver) goOn() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// remembered is an image of an earlier process, which has checked it, if it is on this machine as it was.
func (r *Resolver) remembered(j Job) (fact.Image, bool) {
	if r.options.Images.Local(j.Request.Image) {
		if now, err := r.options.Images.Resolve(context.Background(), j.Request.Image); err != nil || now != j.Digest {
			return fact.Image{}, false
		}
	}
	b, err := r.options.Images.Cached(j.Request.Image, j.Digest, file(j.Request))
	return imageOf(j.Request, j.Digest, b), err == nil
}

// Run looks up images until the context ends.
func (r *Resolver) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var jobs sync.WaitGroup
	defer jobs.Wait()
	for {
		for _, j := range r.start(ctx) {
			jobs.Go(j)
		}
		if at, ok := r.next(); ok {
			timer.Reset(at.Sub(r.options.Now()))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		case done := <-r.results:
			r.done(done)
		}
	}
}

// start begins the jobs that are due. Each ends with the context, or when nobody wants what it is for.
func (r *Resolver) start(ctx context.Context) (jobs []func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.core.Start(r.options.Now()) {
		own, cancel := context.WithCancel(ctx)
		r.underWay[j.Request] = cancel
		jobs = append(jobs, func() { r.run(own, j) })
	}
	return jobs
}

// stop ends a job, if it is under way; mu is held.
func (r *Resolver) stop(request fact.ImageRequest) {
	if cancel := r.underWay[request]; cancel != nil {
		cancel()
		delete(r.underWay, request)
	}
}

func (r *Resolver) next() (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.core.Next()
}

func (r *Resolver) done(d result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop(d.job.Request)
	if r.core.Done(r.options.Now(), d.job, d.image) {
		r.commit()
	}
}

func (r *Resolver) run(ctx context.Context, j Job) {
	image := r.look(ctx, j)
	if ctx.Err() != nil {
		return // that says nothing about the image
	}
	select {
	case r.results <- result{j, image}:
	case <-ctx.Done():
	}
}

// look resolves, fetches and checks an image.
func (r *Resolver) look(ctx context.Context, j Job) fact.Image {
	digest, b, err := r.fetch(ctx, j)
	if err != nil {
		return fact.Image{Err: reason(err)}
	}
	if r.options.Check != nil && !j.Request.Config {
		if err := r.options.Check(ctx, j.Request, digest, b); err != nil {
			return fact.Image{Err: string(oci.Plugin) + ": " + err.Error()}
		}
	}
	return imageOf(j.Request, digest, b)
}

func (r *Resolver) fetch(ctx context.Context, j Job) (digest string, b []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if digest = j.Digest; digest == "" {
		if digest, err = r.options.Images.Resolve(ctx, j.Request.Image); err != nil {
			return "", nil, err
		}
	}
	b, err = r.options.Images.Fetch(ctx, j.Request.Image, digest, file(j.Request))
	return digest, b, err
}

// reason is an error without the name of the image, which whoever reads the fact knows.
func reason(err error) string {
	var e *oci.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return err.Error()
}

// imageOf has no module in it: proxies get it from the store of images.
func imageOf(request fact.ImageRequest, digest string, b []byte) fact.Image {
	if request.Config {
		return fact.Image{Digest: digest, Data: b}
	}
	return fact.Image{Digest: digest}
}

func file(r fact.ImageRequest) oci.File {
	if r.Config {
		return oci.Config
	}
	return oci.Plugin
}

// commit keeps the digests, and makes facts of what is known: what has been served is known to the next process.
func (r *Resolver) commit() {
	r.save()
	facts := map[store.Fact]any{}
	for request, image := range r.core.Facts() {
		facts[fact.ImageOf(request)] = image
	}
	r.options.Store.Commit(func(tx *store.Tx) { tx.ReplaceFacts(fact.KindImage, facts) })
}

func (r *Resolver) save() {
	pins := r.core.Pins()
	if r.options.Pins == "" || maps.Equal(pins, r.saved) {
		return
	}
	if err := savePins(r.options.Pins, pins); err != nil {
		r.options.Say("digests of plugins' images are not kept: %v", err)
	}
	r.saved = pins
}
