// Package control is how the command line asks a running `spillway serve`: HTTP and JSON on a Unix socket of the user's
// own.
//
// In, at the server: a Source with the store's snapshot, the model, the addresses and the verdicts. Out, at the client:
// the same, read-only.
//
//	listener, err := control.Listen("")
//	go control.NewServer(source).Serve(listener)
//
//	client, err := control.Connect(ctx, "")
//	objects, err := client.Objects(ctx, control.Query{Kind: "Service", Cluster: "gke-west-1"})
//
// The values of Secrets, private keys among them, leave the server only if a query asks for them.
package control

import (
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Source is what a server answers from.
type Source interface {
	Info() Info
	Snapshot() *store.Snapshot
	Model() *lbv1.Model
	URLs() []URL
	// Health lists the endpoints of a backend service with their verdicts; ok is false if there is none of that name.
	Health(backendService string) (endpoints []Endpoint, ok bool)
	// Troubles lists what is not in order about objects and no condition says.
	Troubles(Query) []Troubles
	// Logs returns what is kept of a container's output, from an offset on.
	Logs(pod store.Ref, container string, from int64) Output
}

// Info says who is serving what.
type Info struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Dir     string    `json:"dir"`
	Started time.Time `json:"started"`
	// Clusters are sorted by name.
	Clusters      []Cluster `json:"clusters"`
	ConfigCluster string    `json:"configCluster"`
	// Home is the region whose addresses statuses show.
	Home string `json:"home"`
}

// Project is the config cluster's project id.
func (i Info) Project() string {
	for _, c := range i.Clusters {
		if c.Name == i.ConfigCluster {
			return c.Project
		}
	}
	return ""
}

// Cluster is one member.
type Cluster struct {
	Name    string `json:"name"`
	Region  string `json:"region"`
	Project string `json:"project"`
}

// URL is one listener at one location. URL is where it listens, port included. A TLS listener with a hostname needs the
// name besides, so Curl has commands that work as they are; it is empty while no rule of the listener is known to answer.
type URL struct {
	Kind      string `json:"kind"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Class     string `json:"class"`
	Listener  string `json:"listener"`
	Region    string `json:"region"`
	URL       string `json:"url"`
	// ForwardingRule is what the listener is to the load balancer.
	ForwardingRule string `json:"forwardingRule"`
	// AttachedRoutes is the listener's count.
	AttachedRoutes int32    `json:"attachedRoutes"`
	Curl           []string `json:"curl,omitempty"`
}

// Endpoint is one endpoint of a backend service.
type Endpoint struct {
	Group    string `json:"group"`
	Zone     string `json:"zone"`
	Project  string `json:"project"`
	Instance string `json:"instance"`
	Address  string `json:"address"`
	Port     uint32 `json:"port"`
	Pod      string `json:"pod"`
	Draining bool   `json:"draining"`
	// State is HEALTHY if a location that sends it traffic finds it so.
	State     string    `json:"state"`
	Locations []Verdict `json:"locations"`
}

// Verdict is what one location's prober thinks of an endpoint.
type Verdict struct {
	Location string `json:"location"`
	State    string `json:"state"`
	Detail   string `json:"detail,omitempty"`
}

// Troubles are what is not in order about an object.
type Troubles struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Texts     []string `json:"texts"`
}

// Output is a part of what a container has printed.
type Output struct {
	Text []byte `json:"text"`
	// Next is the offset at which more will follow.
	Next int64 `json:"next"`
}

// Query asks for objects of one kind. Empty fields mean all.
type Query struct {
	Kind      string // as in store.Ref
	Cluster   string
	Namespace string
	Name      string
	// Secrets asks for the values of Secrets, too.
	Secrets bool
}
