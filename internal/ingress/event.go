package ingress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// eventSource is the controller that GKE's events come from.
const eventSource = "loadbalancer-controller"

// step is where an event stands among others of a moment.
type step int

const (
	stepAdd step = iota
	stepScheduled
	stepProblem
	stepBackend
	stepMap
	stepProxy
	stepRule
	stepAddress
	stepCreate
)

// events are those of today's controller, and the ADD, Service and CREATE of the one that the documentation shows. What was
// made is told of when proxies serve it.
func (s *summary) events() []recompute.Write {
	e := events{ref: s.ref, life: string(s.object.UID), version: fmt.Sprint(s.object.Generation)}
	e.once(stepAdd, "ADD", s.ref.Namespace+"/"+s.ref.Name)
	e.again(stepScheduled, object.ReasonSync, "Scheduled for sync")
	e.warn(s.problems)
	if t := s.plan.Default; !t.Unset && t.Namespace == "" && t.Port > 0 {
		e.once(stepBackend, "Service", fmt.Sprintf("default backend set to %s:%d", t.Service, t.Port))
	}
	e.changed(s.changes())
	if !s.up {
		return e.all
	}
	e.made(stepMap, "UrlMap", s.plan.names(s.ref).URLMap())
	if s.object.Generation > 1 {
		e.again(stepMap, object.ReasonSync, fmt.Sprintf("UrlMap %q updated", s.plan.names(s.ref).URLMap()))
	}
	if s.served.RedirectMap != "" {
		e.made(stepMap, "UrlMap", s.served.RedirectMap)
	}
	for _, n := range []frontend.Names{s.served.HTTP, s.served.HTTPS} {
		if n.TargetProxy != "" {
			e.made(stepProxy, "TargetProxy", n.TargetProxy)
			e.made(stepRule, "ForwardingRule", n.ForwardingRule)
		}
	}
	for _, text := range s.elsewhere() {
		e.again(stepRule, object.ReasonElsewhere, text)
	}
	ip := s.vips()[0]
	e.once(stepAddress, "IPChanged", "IP is now "+ip)
	e.once(stepCreate, "CREATE", "ip: "+ip)
	return e.all
}

// events gathers the events of one Ingress.
type events struct {
	ref store.Ref
	// life and version are causes: an event of the Ingress as such, and one of each version of it.
	life, version string
	all           []recompute.Write
}

func (e *events) add(at step, kind, reason, message, cause string) {
	e.all = append(e.all, recompute.Write{
		Ref: e.ref, Part: recompute.PartEvent, Key: fmt.Sprintf("%d/%s/%s", at, reason, message),
		Value: recompute.Event{Type: kind, Reason: reason, Message: message, Source: eventSource, Cause: cause},
	})
}

func (e *events) once(at step, reason, message string) { e.add(at, "Normal", reason, message, e.life) }

func (e *events) again(at step, reason, message string) {
	e.add(at, "Normal", reason, message, e.version)
}

func (e *events) made(at step, kind, name string) {
	e.once(at, object.ReasonSync, fmt.Sprintf("%s %q created", kind, name))
}

// changed tells of what was otherwise the last time that something was written to the Ingress.
func (e *events) changed(texts []string) {
	for _, text := range texts {
		e.add(stepRule, "Normal", object.ReasonSync, text, "changed")
	}
}

// changes compares what is served with what was told before. They are wanted until that is told: each is one event.
func (s *summary) changes() (texts []string) {
	written := s.view.Written(s.ref)
	if written == nil {
		return nil
	}
	before := written.Annotations
	if name := before[writtenRule]; name != "" && s.served.HTTP.ForwardingRule == "" {
		texts = append(texts, fmt.Sprintf("ForwardingRule %q deleted", name))
	}
	if name := before[writtenRuleTLS]; name != "" && s.served.HTTPS.ForwardingRule == "" {
		texts = append(texts, fmt.Sprintf("ForwardingRule %q deleted", name))
	}
	if name := before[writtenProxy]; name != "" && s.served.HTTP.TargetProxy == name && before[writtenRedirect] != s.served.RedirectMap {
		texts = append(texts, fmt.Sprintf("TargetProxy %q updated", name))
	}
	certificates := strings.Join(s.served.Certificates, ",")
	if name := before[writtenProxyTLS]; name != "" && s.served.HTTPS.TargetProxy == name && before[writtenCertificates] != certificates {
		texts = append(texts, fmt.Sprintf("TargetProxy %q certs updated", name))
	}
	return texts
}

// warn tells of every problem; those of the translation are one event, as ingress-gce has it.
func (e *events) warn(problems []problem) {
	var texts []string
	for _, p := range problems {
		if p.Reason != object.ReasonTranslate {
			e.add(stepProblem, "Warning", p.Reason, p.Text(), e.version)
		} else if !slices.Contains(texts, p.Message) {
			texts = append(texts, p.Message)
		}
	}
	if len(texts) > 0 {
		e.add(stepProblem, "Warning", object.ReasonTranslate, "Translation failed: invalid ingress spec: "+strings.Join(texts, "; "), e.version)
	}
}
