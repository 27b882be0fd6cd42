package proxytls

import "strings"

// Hosts finds what belongs to the server name of a connection (SNI): of an exact host, then of the longest wildcard, then of "" or "*",
// any. The zero value is empty; it may be read by many once it is built.
type Hosts[T any] struct {
	exact map[string]T
	// wildcard is keyed by the part after "*", such as ".example.com". The wildcard stands for any number of labels, but at least one.
	wildcard map[string]T
	any      T
	hasAny   bool
}

// Add puts a value under a host as the model writes it. false: there is one already, which stays.
func (h *Hosts[T]) Add(host string, value T) bool {
	host = strings.ToLower(host)
	if host == "" || host == "*" {
		if h.hasAny {
			return false
		}
		h.any, h.hasAny = value, true
		return true
	}
	table, name := &h.exact, host
	if strings.HasPrefix(host, "*.") {
		table, name = &h.wildcard, host[1:]
	}
	if *table == nil {
		*table = map[string]T{}
	}
	if _, taken := (*table)[name]; taken {
		return false
	}
	(*table)[name] = value
	return true
}

// Find returns the value for a server name; "" is a connection without one. A trailing dot does not count.
func (h *Hosts[T]) Find(serverName string) (value T, ok bool) {
	serverName = strings.TrimSuffix(serverName, ".")
	if hasUpper(serverName) {
		serverName = strings.ToLower(serverName)
	}
	if value, ok = h.exact[serverName]; ok {
		return value, true
	}
	// The longest suffix first. A leading dot matches nothing.
	for i := 1; i < len(serverName) && len(h.wildcard) > 0; i++ {
		if serverName[i] != '.' {
			continue
		}
		if value, ok = h.wildcard[serverName[i:]]; ok {
			return value, true
		}
	}
	return h.any, h.hasAny
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}
