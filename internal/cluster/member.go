package cluster

import "k8s.io/client-go/rest"

// Member is a cluster that is wanted.
type Member struct {
	Name string
	// REST is how its API server is reached; Version changes whenever that does.
	REST    *rest.Config
	Version string
	// Origin says where the member was found, such as "context gke-west-1 of ~/.kube/config".
	Origin string
	// Region and Zones are where it stands; read from the labels of its Nodes if Region is empty.
	Region string
	Zones  []string
	// ConfigCluster: its multi-cluster Gateways count, and its Configuration.
	ConfigCluster bool
}
