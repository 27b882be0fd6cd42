package urlmap

import (
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Map is one version of a URL map with its rules.
type Map struct{}

// Match finds the rule of a request; nil means that the default service answers.
func (m *Map) Match(req *message.Request) *Rule { return nil }

// Misdirected says whether a request's host belongs to another listener host than the server name of its TLS
// connection (answered with 421).
func (m *Map) Misdirected(serverName string, authority []byte) bool { return false }
