package config

import (
	"strings"

	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// upgrades are the protocols that clients of a target proxy may upgrade to, in lower case.
type upgrades []string

var webSocketOnly = upgrades{"websocket"}

func compileUpgrades(list []string) upgrades {
	if len(list) == 0 {
		return webSocketOnly
	}
	var out upgrades
	for _, protocol := range list {
		out = append(out, strings.ToLower(protocol))
	}
	return out
}

// checkUpgrades refuses what is no protocol (RFC 9110 section 7.8), and those that would carry requests past the proxy.
func checkUpgrades(list []string) error {
	for i, protocol := range list {
		name, version, versioned := strings.Cut(strings.ToLower(protocol), "/")
		at := refusal.Item("upgrades", i)
		switch {
		case !field.ValidToken([]byte(name)) || versioned && !field.ValidToken([]byte(version)):
			return refusal.Errorf(at, "%q is not a protocol", protocol)
		case name == "h2c" || name == "h2" || name == "http" || name == "tls":
			return refusal.Errorf(at, "%q would carry requests past the proxy", protocol)
		}
	}
	return nil
}

// PassesOn says whether a client may upgrade to a protocol.
func (p *TargetProxy) PassesOn(protocol []byte) bool {
	for _, allowed := range p.upgrades {
		if field.EqualFold([]byte(allowed), protocol) {
			return true
		}
	}
	return false
}
