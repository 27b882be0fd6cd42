package readiness_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/neg/readiness"
)

// world has backend services by ZONE/NEG, and healthy endpoints by check.
type world struct {
	backends map[string][]readiness.Backend
	healthy  map[string]bool
}

func (w world) Backends(zone, group string) []readiness.Backend { return w.backends[zone+"/"+group] }

func (w world) Healthy(check string, at netip.AddrPort) bool { return w.healthy[check+" "+at.String()] }

func TestConditions(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(group, zone string) readiness.Endpoint {
		return readiness.Endpoint{Group: group, Zone: zone, Address: netip.MustParseAddrPort("10.0.0.1:80")}
	}
	web := []readiness.Backend{{Name: "web", Check: "c1"}}
	inner := []readiness.Backend{{Name: "inner", Region: "us-west1", Check: "c2"}}
	for name, c := range map[string]struct {
		pod    readiness.Pod
		world  world
		after  time.Duration
		ready  bool
		reason string
		text   string
	}{
		"healthy in one of two": {
			pod:   readiness.Pod{Groups: []string{"g", "h"}, Endpoints: []readiness.Endpoint{at("g", "a"), at("h", "a")}},
			world: world{map[string][]readiness.Backend{"a/g": web, "a/h": inner}, map[string]bool{"c2 10.0.0.1:80": true}},
			ready: true, reason: readiness.ReasonReady,
			text: `Pod has become Healthy in NEG "Key{\"h\", zone: \"a\"}" attached to BackendService "Key{\"inner\", region: \"us-west1\"}". Marking condition "cloud.google.com/load-balancer-neg-ready" to True.`,
		},
		"healthy by a check that is another's": {
			pod:    readiness.Pod{Groups: []string{"g"}, Endpoints: []readiness.Endpoint{at("g", "a")}},
			world:  world{map[string][]readiness.Backend{"a/g": web}, map[string]bool{"c2 10.0.0.1:80": true}},
			reason: readiness.ReasonNotReady, text: "Waiting for pod to become healthy in at least one of the NEG(s): [g]",
		},
		"one of two is attached, and it is not healthy": {
			pod:    readiness.Pod{Groups: []string{"h", "g"}, Endpoints: []readiness.Endpoint{at("g", "a"), at("h", "a")}},
			world:  world{map[string][]readiness.Backend{"a/h": web}, nil},
			reason: readiness.ReasonNotReady, text: "Waiting for pod to become healthy in at least one of the NEG(s): [g h]",
		},
		"attached in another zone": {
			pod:   readiness.Pod{Groups: []string{"g"}, Endpoints: []readiness.Endpoint{at("g", "b")}},
			world: world{map[string][]readiness.Backend{"a/g": web}, nil},
			ready: true, reason: readiness.ReasonNoCheck, text: `Pod is in NEG "Key{\"g\", zone: \"b\"}". NEG is not attached to any BackendService with health checking.`,
		},
		"selected, and not a member yet": {
			pod:    readiness.Pod{Groups: []string{"g"}},
			reason: readiness.ReasonNotReady, text: "Waiting for pod",
		},
		"selected by nobody yet": {after: readiness.Settle - time.Second, reason: readiness.ReasonNotReady, text: "Waiting"},
		"selected by nobody":     {after: readiness.Settle, ready: true, reason: readiness.ReasonReady, text: "Pod does not belong to any NEG. Marking"},
		"just in time": {
			pod: readiness.Pod{Groups: []string{"g"}}, after: readiness.Timeout, reason: readiness.ReasonNotReady, text: "Waiting",
		},
		"too late": {
			pod: readiness.Pod{Groups: []string{"g"}}, after: readiness.Timeout + time.Second, ready: true, reason: readiness.ReasonTimeout,
			text: "Timeout waiting for pod to become healthy in at least one of the NEG(s): [g]. Marking condition",
		},
		"too late, and kept shut": {
			pod: readiness.Pod{Groups: []string{"g"}, FailClosed: true}, after: readiness.Timeout + time.Second, reason: readiness.ReasonTimeout,
			text: "Timeout waiting for pod to become healthy in at least one of the NEG(s): [g]. The Configuration keeps the gate shut (readinessGates.failClosed).",
		},
		"too late, and kept shut, and of no group": {
			pod: readiness.Pod{FailClosed: true}, after: readiness.Timeout + time.Second, ready: true, reason: readiness.ReasonReady,
			text: "Pod does not belong to any NEG.",
		},
		"too late, and nobody knows yet whether it is kept shut": {
			pod: readiness.Pod{Groups: []string{"g"}, Unsettled: true}, after: readiness.Timeout + time.Second, reason: readiness.ReasonNotReady,
			text: "Waiting for pod",
		},
	} {
		c.pod.Created, c.pod.Seen = made, made
		v := readiness.Decide(made.Add(c.after), &c.pod, c.world)
		if v.Ready != c.ready || v.Reason != c.reason || !strings.HasPrefix(v.Message, c.text) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
