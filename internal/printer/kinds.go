package printer

import "github.com/spillway-lb/spillway/internal/kind"

// Kinds returns every kind that can be stored or derived. TestKindsMatchCRDs holds the columns to the CRDs'.
func Kinds() []Kind {
	columns := columnsByKind()
	var all []Kind
	for _, row := range kind.All() {
		all = append(all, Kind{Kind: row, Columns: columns[row.Ref()]})
	}
	return all
}

// columnsByKind are the CRDs' additionalPrinterColumns, to the letter.
func columnsByKind() map[string][]Column {
	accepted := Column{Header: "Accepted", Path: `.status.conditions[?(@.type=="Accepted")].status`}
	programmed := Column{Header: "Programmed", Path: `.status.conditions[?(@.type=="Programmed")].status`}
	hostnames := []Column{{Header: "Hostnames", Path: ".spec.hostnames"}, age()}
	imports := []Column{{Header: "Type", Path: ".spec.type"}, {Header: "IP", Path: ".spec.ips"}, age()}
	return map[string][]Column{
		kind.Gateway: {
			{Header: "Class", Path: ".spec.gatewayClassName"},
			{Header: "Address", Path: ".status.addresses[*].value"},
			programmed,
			age(),
		},
		kind.GatewayClass: {
			{Header: "Controller", Path: ".spec.controllerName"},
			accepted,
			age(),
			{Header: "Description", Path: ".spec.description", Wide: true},
		},
		kind.HTTPRoute:   hostnames,
		kind.GRPCRoute:   hostnames,
		kind.ListenerSet: {accepted, programmed, age()},
		kind.ManagedCertificate: {
			age(),
			{Header: "Status", Path: ".status.certificateStatus"},
		},
		kind.ServiceImport:    imports,
		kind.MCSServiceImport: imports,
		kind.Cluster: {
			{Header: "Region", Path: ".spec.region"},
			{Header: "Config", Path: ".spec.configCluster"},
			{Header: "Reachable", Path: `.status.conditions[?(@.type=="Reachable")].status`},
			age(),
		},
	}
}

func age() Column { return Column{Header: "Age", Path: ".metadata.creationTimestamp", Date: true} }
