// Package plan says what a lab is made of before anything of it runs: its clusters, where in the world they stand, and which
// addresses of 10.0.0.0/8 are whose.
//
// In: the names of clusters and what flags say of them. Out: a Plan. It is pure.
//
//	p, err := plan.New(plan.Options{Clusters: []string{"gke-west-1", "gke-east-1"}})
//	p.Clusters[0].Region // us-west1
package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/spillway-lb/spillway/internal/address"
	clusterplace "github.com/spillway-lb/spillway/internal/place"
)

// DefaultClusters are those of the multi-cluster tutorial.
var DefaultClusters = []string{"gke-west-1", "gke-west-2", "gke-east-1"}

// DefaultProject is the project that Nodes, and what runs on them, name.
const DefaultProject = "spillway-lab"

// DefaultProjectNumber is what paths of resources have for the project.
const DefaultProjectNumber = 438412093921

// MaxClusters is how many second bytes of 10.0.0.0/8 are the clusters'.
const MaxClusters = 50

const (
	firstByte = 201 // of clusters; those of ServiceImports' addresses are at most 126
	maxNodes  = 9   // in a zone
)

// Addresses is the range that the lab's network has, all of it on its loopback interface.
var Addresses = netip.MustParsePrefix("10.0.0.0/8")

// Gateways is the pool of the addresses of Gateways. Its second byte is odd, those of ServiceImports are even.
var Gateways = netip.MustParsePrefix("10.127.0.0/16")

// Webhook is where the controller answers the API servers. No cluster and nothing of the fleet has its second byte.
var Webhook = netip.MustParseAddrPort("10.200.0.1:9443")

// Options are what a user says.
type Options struct {
	// Clusters are names, in order; DefaultClusters if empty. The first is the config cluster.
	Clusters []string
	// Places are NAME=REGION[/ZONE[,ZONE...]] for clusters whose names do not tell, or not what is wanted.
	Places []string
	// Nodes is how many each zone has; 1 if unset.
	Nodes int
	// Project is the clusters' project, ID[:NUMBER]; DefaultProject and DefaultProjectNumber where that is unset.
	Project string
}

// Plan is a lab.
type Plan struct {
	Clusters []Cluster `json:"clusters"`
	Project  string    `json:"project"`
	Number   int64     `json:"number"`
	Nodes    int       `json:"nodes"`
}

// Cluster is one cluster.
type Cluster struct {
	Name   string   `json:"name"`
	Region string   `json:"region"`
	Zones  []string `json:"zones"`
	// Byte is the second byte of the cluster's addresses.
	Byte byte `json:"byte"`
}

// New makes a plan, or says which name is wrong.
func New(o Options) (*Plan, error) {
	names := o.Clusters
	if len(names) == 0 {
		names = DefaultClusters
	}
	if len(names) > MaxClusters {
		return nil, fmt.Errorf("%d clusters are more than the %d that a lab has addresses for", len(names), MaxClusters)
	}
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.Nodes < 0 || o.Nodes > maxNodes {
		return nil, fmt.Errorf("a zone has 1 to %d nodes, not %d", maxNodes, o.Nodes)
	}
	project, number, err := parseProject(o.Project)
	if err != nil {
		return nil, err
	}
	places, err := parsePlaces(o.Places, names)
	if err != nil {
		return nil, err
	}
	p := &Plan{Project: project, Number: number, Nodes: o.Nodes}
	for i, name := range names {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return nil, fmt.Errorf("cluster name %q: %s", name, problems[0])
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("cluster %s is named twice", name)
		}
		at, told := places[name]
		if !told {
			at = placeOf(name)
		}
		p.Clusters = append(p.Clusters, Cluster{Name: name, Region: at.region, Zones: at.zones, Byte: byte(firstByte + i)})
	}
	return p, nil
}

// parseProject reads ID[:NUMBER].
func parseProject(text string) (id string, number int64, err error) {
	id, digits, numbered := strings.Cut(cmp.Or(text, DefaultProject), ":")
	number = DefaultProjectNumber
	if numbered {
		number, err = strconv.ParseInt(digits, 10, 64)
	}
	if err != nil || id == "" || number <= 0 {
		return "", 0, fmt.Errorf("project %q: it is ID or ID:NUMBER", text)
	}
	return id, number, nil
}

// Cluster finds a cluster by its name.
func (p *Plan) Cluster(name string) (Cluster, bool) {
	i := slices.IndexFunc(p.Clusters, func(c Cluster) bool { return c.Name == name })
	if i < 0 {
		return Cluster{}, false
	}
	return p.Clusters[i], true
}

// Names are the clusters' names, in order.
func (p *Plan) Names() []string {
	names := make([]string, len(p.Clusters))
	for i, c := range p.Clusters {
		names[i] = c.Name
	}
	return names
}

// The addresses of a cluster: 10.B.0.x are its servers', 10.B.1.0/24 its Nodes', 10.B.64.0/18 the ClusterIPs, 10.B.128.0/17 the
// Pods'.

// APIServer is where the cluster's API server answers.
func (c Cluster) APIServer() netip.AddrPort { return c.server(1, 6443) }

// Etcd is where its etcd answers; Peer is where other members of it would.
func (c Cluster) Etcd() netip.AddrPort { return c.server(2, 2379) }

// Peer is etcd's other address.
func (c Cluster) Peer() netip.AddrPort { return c.server(2, 2380) }

// ControllerManager is where the controller manager tells how it is.
func (c Cluster) ControllerManager() netip.AddrPort { return c.server(3, 10257) }

// Scheduler is where the scheduler does.
func (c Cluster) Scheduler() netip.AddrPort { return c.server(4, 10259) }

func (c Cluster) server(host byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, c.Byte, 0, host}), port)
}

// Nodes is the range of the Nodes.
func (c Cluster) Nodes() netip.Prefix { return c.prefix(1, 24) }

// Services is the range of the ClusterIPs.
func (c Cluster) Services() netip.Prefix { return c.prefix(64, 18) }

// Pods is the range of the Pods.
func (c Cluster) Pods() netip.Prefix { return c.prefix(128, 17) }

func (c Cluster) prefix(third byte, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, c.Byte, third, 0}), bits)
}

// Node is one Node of a cluster.
type Node struct {
	Zone string
	// Instance tells the Nodes of a zone apart, from 0.
	Instance int
	Address  netip.Addr
}

// NodesOf lists the Nodes of a cluster.
func (p *Plan) NodesOf(c Cluster) []Node {
	var nodes []Node
	for _, zone := range c.Zones {
		for i := range p.Nodes {
			nodes = append(nodes, Node{Zone: zone, Instance: i, Address: address.Nth(c.Nodes(), uint32(len(nodes)+1))})
		}
	}
	return nodes
}

// place is where a cluster stands.
type place struct {
	region string
	zones  []string
}

// defaultPlace is where a cluster stands whose name says nothing.
var defaultPlace = place{"us-central1", []string{"us-central1-a"}}

var (
	// googleRegion is a region of Google's within a name, such as prod-europe-west4.
	googleRegion = regexp.MustCompile(`(?:^|-)((?:us|europe|asia|australia|northamerica|southamerica|africa|me)-(?:north|south|east|west|central|northeast|southeast|northwest|southwest)\d+)(?:-([a-f]))?(?:-|$)`)
	// direction is what the tutorials' names have: gke-west-1.
	direction = regexp.MustCompile(`(?:^|-)(north|south|east|west|central)(?:-|$)`)
)

// placeOf derives a place from a cluster's name as the tutorials' are: gke-west-1 and gke-west-2 are in us-west1-a,
// gke-east-1 is in us-east1-b (Google's us-east1 has no zone a).
func placeOf(name string) place {
	if m := googleRegion.FindStringSubmatch(name); m != nil {
		zone := m[2]
		if zone == "" {
			zone = firstZone(m[1])
		}
		return place{m[1], []string{m[1] + "-" + zone}}
	}
	if m := direction.FindStringSubmatch(name); m != nil {
		region := "us-" + m[1] + "1"
		return place{region, []string{region + "-" + firstZone(region)}}
	}
	return defaultPlace
}

func firstZone(region string) string {
	if region == "us-east1" || region == "europe-west1" {
		return "b"
	}
	return "a"
}

func parsePlaces(texts, names []string) (map[string]place, error) {
	places := map[string]place{}
	for _, text := range texts {
		name, at, err := parsePlace(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--cluster %s: the lab has no cluster %q, but %s", text, name, strings.Join(names, ", "))
		}
		places[name] = at
	}
	return places, nil
}

func parsePlace(text string) (name string, at place, err error) {
	name, parsed, err := clusterplace.Parse(text)
	if err == nil && len(parsed.Zones) == 0 {
		parsed.Zones = []string{parsed.Region + "-" + firstZone(parsed.Region)}
	}
	return name, place{parsed.Region, parsed.Zones}, err
}
