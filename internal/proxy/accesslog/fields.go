package accesslog

import "strings"

// optional is a set of the fields that Google leaves to the backend service's logging setting.
type optional uint16

const (
	fieldTLS optional = 1 << iota
	fieldLatencies
	fieldRoute
	fieldAttempts
	fieldGRPC
	fieldProxyStatus
	allOptional = 1<<iota - 1
)

var optionalNames = map[string]optional{
	"tls":          fieldTLS,
	"tls.protocol": fieldTLS,
	"tls.cipher":   fieldTLS,
	"tls.sni":      fieldTLS,
	"latencies":    fieldLatencies,
	"route":        fieldRoute,
	"attempts":     fieldAttempts,
	"grpc_status":  fieldGRPC,
	"proxy_status": fieldProxyStatus,
	"*":            allOptional,
}

// parseOptional ignores names that this proxy has nothing to say about. No names leaves every optional field out, as
// at Google (EXCLUDE_ALL_OPTIONAL); "*" is INCLUDE_ALL_OPTIONAL.
func parseOptional(names []string) optional {
	var set optional
	for _, n := range names {
		set |= optionalNames[strings.ToLower(n)]
	}
	return set
}
