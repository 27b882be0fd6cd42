package computeapi

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/googlejson"
)

// Source is what is shown.
type Source interface {
	Info() control.Info
	// Seq is the number of what is published; Model is it, never to be changed.
	Seq() uint64
	Model() *lbv1.Model
	// Created is when the object was made that a resource was made for; zero if that is not known.
	Created(*lbv1.Owner) time.Time
	// Health lists the endpoints of a backend service with their verdicts; ok is false if there is none of that name.
	Health(backendService string) (endpoints []control.Endpoint, ok bool)
}

// Groups deletes network endpoint groups. An error says why one cannot be.
type Groups interface {
	Delete(zone, name string) error
}

// Access is what a handler lets its clients do.
type Access bool

// The accesses.
const (
	ReadOnly Access = false
	Writes   Access = true
)

// Front shows one source. It is safe for concurrent use.
type Front struct {
	source     Source
	groups     Groups
	operations operations
	now        func() time.Time
	json       googlejson.Encoder

	mu     sync.Mutex
	latest *edition
}

// New makes a front. Groups may be nil: then none can be deleted.
func New(source Source, groups Groups, now func() time.Time) *Front {
	return &Front{source: source, groups: groups, now: now}
}

// edition is what was published at one time, with what has been asked for of it.
type edition struct {
	seq    uint64
	info   control.Info
	view   *compute.View
	places places

	mu        sync.Mutex
	members   map[string]*collection        // by command
	endpoints map[string][]compute.Endpoint // by path of the group, in order of their keys
}

// collection has its members in order of name: all, and those of each location.
type collection struct {
	all []compute.Resource
	at  map[compute.Location][]compute.Resource
}

// member finds one by name.
func (c *collection) member(at compute.Location, name string) (compute.Resource, bool) {
	members := c.at[at]
	i, found := slices.BinarySearchFunc(members, name, func(r compute.Resource, name string) int { return strings.Compare(r.Name, name) })
	if !found {
		return compute.Resource{}, false
	}
	return members[i], true
}

// edition is the newest one.
func (f *Front) edition() *edition {
	f.mu.Lock()
	defer f.mu.Unlock()
	info := f.source.Info()
	if seq := f.source.Seq(); f.latest == nil || f.latest.seq != seq || !reflect.DeepEqual(f.latest.info, info) {
		model := f.source.Model()
		f.latest = &edition{
			seq: model.GetSeq(), info: info, members: map[string]*collection{}, endpoints: map[string][]compute.Endpoint{}, places: placesOf(model, info),
			view: compute.NewView(compute.Model{
				Model: control.RedactModel(model), Project: info.Project(), Home: info.Home, Created: f.source.Created, JSON: &f.json,
			}),
		}
		f.operations.observe(f.latest.has, f.now())
	}
	return f.latest
}

// has says whether a group is published.
func (e *edition) has(group compute.Resource) bool {
	groups, _ := compute.ByName(compute.Compute, "networkEndpointGroups")
	_, found := e.collection(groups).member(group.Location, group.Name)
	return found
}

// collection is made when it is first asked for. It is not to be changed.
func (e *edition) collection(c compute.Collection) *collection {
	e.mu.Lock()
	defer e.mu.Unlock()
	members := e.members[c.Command]
	if members == nil {
		all := e.view.Resources(c)
		members = &collection{all, byLocation(all)}
		e.members[c.Command] = members
	}
	return members
}

// resources are all members of a collection.
func (e *edition) resources(c compute.Collection) []compute.Resource { return e.collection(c).all }

// endpointsOf are a group's, put in order when they are first asked for. They are not to be changed.
func (e *edition) endpointsOf(group compute.Resource) []compute.Endpoint {
	e.mu.Lock()
	defer e.mu.Unlock()
	endpoints, known := e.endpoints[group.Path]
	if !known {
		endpoints = e.view.Endpoints(group.Location.Zone, group.Name)
		slices.SortStableFunc(endpoints, func(a, b compute.Endpoint) int { return slices.Compare(endpointKey(a), endpointKey(b)) })
		e.endpoints[group.Path] = endpoints
	}
	return endpoints
}

// Handler answers as far as the access goes.
func (f *Front) Handler(access Access) http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, answer func(*call) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			p, err := parametersOf(r)
			if err != nil {
				f.write(w, r, p, nil, err)
				return
			}
			c := &call{Request: r, front: f, edition: f.edition(), access: access}
			body, err := c.answer(answer)
			f.write(w, r, p, body, err)
		})
	}
	const project = "/compute/v1/projects/{project}"
	route("GET "+project, (*call).project)
	route("GET "+project+"/regions", (*call).listRegions)
	route("GET "+project+"/regions/{region}", (*call).getRegion)
	route("GET "+project+"/zones", (*call).listZones)
	route("GET "+project+"/zones/{zone}", (*call).getZone)
	route("GET "+project+"/aggregated/{collection}", (*call).aggregatedList)
	for _, at := range []string{"/global", "/regions/{region}", "/zones/{zone}"} {
		route("GET "+project+at+"/{collection}", (*call).list)
		route("GET "+project+at+"/{collection}/{name}", (*call).get)
		route("DELETE "+project+at+"/{collection}/{name}", (*call).delete)
		route("POST "+project+at+"/{collection}/{name}/{verb}", (*call).verb)
	}
	const location = "/v1/projects/{project}/locations"
	route("GET "+location, (*call).listLocations)
	route("GET "+location+"/{location}", (*call).getLocation)
	route("GET "+location+"/{location}/{collection}", (*call).listInLocation)
	route("GET "+location+"/{location}/{collection}/{name}", (*call).getInLocation)
	route("GET "+location+"/{location}/{parents}/{parent}/{collection}", (*call).listInLocation)
	route("GET "+location+"/{location}/{parents}/{parent}/{collection}/{name}", (*call).getInLocation)
	route("/", (*call).unknown)
	mux.HandleFunc("POST "+batchPath+"compute/v1", f.batch(mux))
	return mux
}

// unknown answers what no path is for: in words, where a client would change what it cannot.
func (c *call) unknown() (any, error) {
	switch c.Method {
	case http.MethodGet, http.MethodHead:
		return nil, &Error{Code: http.StatusNotFound, Reason: reasonNotFound, Message: "The requested URL " + c.URL.Path + " was not found on this server."}
	}
	return nil, c.readOnly()
}

// readOnly says why a write is refused.
func (c *call) readOnly() error {
	text := "This API is read-only: it shows what Kubernetes objects say, which are changed instead."
	if c.access == ReadOnly {
		text += " Network endpoint groups that nobody uses can be deleted where it is served with --compute-writes."
	}
	return &Error{Code: http.StatusForbidden, Reason: reasonForbidden, Message: text}
}
