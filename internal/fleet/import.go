package fleet

import "github.com/spillway-lb/spillway/internal/unitkey"

// UnitImport is the unit kind of an imported Service. Its key is ImportKey's, its value an *Import. It is absent if no
// valid export is there.
const UnitImport = "import"

// ImportKey is the key of an import unit.
func ImportKey(namespace, name string) string { return unitkey.Join(namespace, name) }

// parseImportKey is the inverse of ImportKey.
func parseImportKey(key string) (namespace, name string, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// The types of imports.
const (
	ClusterSetIP = "ClusterSetIP"
	Headless     = "Headless"
)

// Import is what the exports of one namespace and name add up to.
type Import struct {
	Namespace string
	Name      string
	// Type is ClusterSetIP or Headless.
	Type string
	// Ports is the union of the exported ports, in the order of the oldest export.
	Ports []Port
	// Exports are the clusters with a valid export, sorted by name.
	Exports []Export
}

// Export is what one cluster exports. Its ports may lack some of the import's, or differ from them; traffic for a port
// of the import goes to the clusters that have it by number and protocol.
type Export struct {
	Cluster string
	Ports   []Port
}

// Port is a Service port.
type Port struct {
	Name        string
	Protocol    string
	AppProtocol string
	Port        int32
}
