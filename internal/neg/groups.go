package neg

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/unitkey"
)

// UnitGroups is the unit kind of the groups of a Service port. Its key is Key's, its value a *Groups. It is absent if
// the Service has no such port for TCP, and for a Service of type ExternalName, which has no endpoints.
const UnitGroups = "neg"

// Groups are the network endpoint groups of one port of one Service.
type Groups struct {
	// Groups has one entry a zone, sorted by zone.
	Groups []Group
	// Name is that of the groups in each zone; Asked is one that is wanted and that another Service port, Holder, has, else "".
	Name, Asked, Holder string
	// AppProtocol is the Service port's, such as kubernetes.io/h2c.
	AppProtocol string
	// PortName is the Service port's.
	PortName string
}

// Group is a network endpoint group.
type Group struct {
	// Name is the name of the lb resource, ZONE/NEG: a NEG has the same name in every zone.
	Name    string
	Region  string
	Zone    string
	Cluster string
	// Key is that of the units of the group's Service port.
	Key string
}

// UnitSizes is the unit kind of the numbers of endpoints of the same groups. Its key is Key's, its value Sizes.
const UnitSizes = "neg.sizes"

// Sizes are the numbers of endpoints of groups by name, those that terminate left out: they get nothing new.
type Sizes map[string]int

// Key is the key of the unit for a Service port, by number.
func Key(cluster, namespace, service string, port int32) string {
	return unitkey.Join(cluster, namespace, service, strconv.FormatInt(int64(port), 10))
}

// portOf is a Key in parts.
type portOf struct {
	cluster, namespace, service string
	port                        int32
}

func (p portOf) key() string { return Key(p.cluster, p.namespace, p.service, p.port) }

func parseKey(key string) (portOf, bool) {
	part, ok := unitkey.Split(key, 4)
	if !ok {
		return portOf{}, false
	}
	port, err := strconv.ParseInt(part[3], 10, 32)
	return portOf{part[0], part[1], part[2], int32(port)}, err == nil
}
