package gateway

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// anyHost is the host of a listener without a hostname, and of a route without hostnames.
const anyHost = "*"

// Listeners is what routes and frontends need to know of a Gateway as it is served. It holds nothing that a status would
// change.
type Listeners struct {
	Scope     scope.Scope
	Namespace string
	Name      string
	Listeners []Listener
	// Broken: the Gateway is not accepted.
	Broken bool
	// Kept: Serving are others than Listeners.
	Kept bool
	// Serving are the listeners that are served: Listeners, or, while the Gateway or all listeners of a port are broken, those
	// of its last good version, as far as today's allow.
	Serving []Listener
	// Class is the GatewayClass.
	Class string
	// Controller is that of the class: statuses say that it wrote them.
	Controller gatewayv1.GatewayController
	// Strict is what GKE refuses to Gateways of the class.
	Strict strictness
	// CrossRegional: each location has an address of its own name.
	CrossRegional bool
	// Project is the number of the project that paths name.
	Project string
}

// Listener is one listener as routes see it.
type Listener struct {
	Name string
	// Set is the ListenerSet that it stands in, the zero Ref for one of the Gateway's own.
	Set store.Ref
	// Namespace is that of the object that it stands in.
	Namespace string
	// Host is in lower case, "*" if there is none.
	Host string
	// Within is what today's version allows of Host, for a listener of an older one; "" is all of it.
	Within string
	Port   int32
	TLS    bool
	// Kinds are the kinds of routes that it takes.
	Kinds    []string
	From     gatewayv1.FromNamespaces
	Selector *metav1.LabelSelector
	// URLMap is the routing of its port.
	URLMap string
	// Problem is why it is not accepted; routes do not attach.
	Problem *ListenerProblem
	// BadKinds is what is said if it names kinds of routes that there are not, or "".
	BadKinds string
}

// ListenerProblem is why a listener is not accepted.
type ListenerProblem struct {
	Reason  gatewayv1.ListenerConditionReason
	Message string
	// Conflicted: it is the other listeners of the port that it does not go with.
	Conflicted bool
}

// ID tells the listener from all others of its Gateway: NAME, or NAMESPACE/LISTENERSET/NAME.
func (l *Listener) ID() string {
	if l.Set == (store.Ref{}) {
		return l.Name
	}
	return l.Set.Namespace + "/" + l.Set.Name + "/" + l.Name
}

// readListeners reads the listeners of a spec, of which problems says what keeps them from being accepted. ref is their
// Gateway.
func readListeners(listeners []gatewayv1.Listener, problems []*ListenerProblem, ref store.Ref, in scope.Scope, strict strictness) []Listener {
	all := make([]Listener, len(listeners))
	for i := range listeners {
		all[i] = readListener(&listeners[i], strict)
		all[i].URLMap = frontend.URLMap(in, ref, all[i].Port)
		all[i].Namespace = ref.Namespace
		all[i].Problem = problems[i]
	}
	return all
}

// judgeListeners says what keeps listeners from being accepted, by the Gateway alone; certificates are another matter.
func judgeListeners(listeners []gatewayv1.Listener) []*ListenerProblem {
	problems := make([]*ListenerProblem, len(listeners))
	for i := range listeners {
		if problems[i] = readListener(&listeners[i], strictness{}).Problem; problems[i] == nil {
			problems[i] = conflict(listeners, i)
		}
	}
	return problems
}

// readListener reads one listener. What GKE is strict about is which kinds of routes it takes, which is no problem of the listener.
func readListener(l *gatewayv1.Listener, strict strictness) Listener {
	out := Listener{Name: string(l.Name), Host: anyHost, Port: l.Port, From: gatewayv1.NamespacesFromSame}
	if l.Hostname != nil && *l.Hostname != "" {
		out.Host = strings.ToLower(string(*l.Hostname))
	}
	if allowed := l.AllowedRoutes; allowed != nil && allowed.Namespaces != nil {
		if allowed.Namespaces.From != nil {
			out.From = *allowed.Namespaces.From
		}
		out.Selector = allowed.Namespaces.Selector
	}
	switch l.Protocol {
	case gatewayv1.HTTPProtocolType:
	case gatewayv1.HTTPSProtocolType:
		out.TLS = true
		out.Problem = tlsProblem(l.TLS)
	default:
		out.Problem = &ListenerProblem{
			Reason:  gatewayv1.ListenerReasonUnsupportedProtocol,
			Message: "protocol " + string(l.Protocol) + " is not supported, only HTTP and HTTPS are",
		}
		return out
	}
	out.Kinds, out.BadKinds = routeKinds(l.AllowedRoutes, strict.kinds())
	if out.Problem == nil && out.From == gatewayv1.NamespacesFromSelector {
		out.Problem = selectorProblem(out.Selector)
	}
	return out
}

// selectorProblem is why no namespace can be selected.
func selectorProblem(selector *metav1.LabelSelector) *ListenerProblem {
	text := "there is none"
	if selector != nil {
		_, err := metav1.LabelSelectorAsSelector(selector)
		if err == nil {
			return nil
		}
		text = err.Error()
	}
	return &ListenerProblem{Reason: gatewayv1.ListenerReasonUnsupportedValue, Message: "allowedRoutes.namespaces.selector: " + text}
}

// optionCertificates names Secrets of the Gateway's namespace, as pre-shared certificates of Google Cloud are named.
const optionCertificates = "networking.gke.io/pre-shared-certs"

func tlsProblem(tls *gatewayv1.ListenerTLSConfig) *ListenerProblem {
	if tls == nil {
		return nil
	}
	if tls.Mode != nil && *tls.Mode == gatewayv1.TLSModePassthrough {
		return &ListenerProblem{
			Reason:  gatewayv1.ListenerReasonUnsupportedValue,
			Message: "TLS mode Passthrough is not supported with protocol HTTPS",
		}
	}
	var unknown []string
	for key := range tls.Options {
		if key != optionCertificates {
			unknown = append(unknown, string(key))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return &ListenerProblem{
		Reason:  gatewayv1.ListenerReasonUnsupportedValue,
		Message: "Error GWCER105: TLS option key " + strings.Join(unknown, ", ") + " is not supported",
	}
}

// routeKinds returns the allowed kinds that are among those that exist; bad tells that there are others.
func routeKinds(allowed *gatewayv1.AllowedRoutes, exist []string) (kinds []string, bad string) {
	if allowed == nil || len(allowed.Kinds) == 0 {
		return exist, ""
	}
	for _, k := range allowed.Kinds {
		if k.Group != nil && *k.Group != kind.GroupGateway || !slices.Contains(exist, string(k.Kind)) {
			bad = "allowedRoutes.kinds names kinds other than " + strings.Join(exist, " and ")
			continue
		}
		kinds = append(kinds, string(k.Kind))
	}
	return kinds, bad
}

// conflict compares a listener with the others of its port. All of those that are not distinct lose, none is preferred.
func conflict(all []gatewayv1.Listener, i int) *ListenerProblem {
	l := &all[i]
	for j := range all {
		other := &all[j]
		if j == i || other.Port != l.Port || !httpProtocol(other.Protocol) {
			continue
		}
		if other.Protocol != l.Protocol {
			return &ListenerProblem{
				Reason: gatewayv1.ListenerReasonProtocolConflict, Conflicted: true,
				Message: "listener " + string(other.Name) + " has another protocol on the same port",
			}
		}
		if hostOf(other) == hostOf(l) {
			return &ListenerProblem{
				Reason: gatewayv1.ListenerReasonHostnameConflict, Conflicted: true,
				Message: "listener " + string(other.Name) + " has the same hostname on the same port",
			}
		}
	}
	return nil
}

func hostOf(l *gatewayv1.Listener) string {
	if l.Hostname == nil || *l.Hostname == "" {
		return anyHost
	}
	return strings.ToLower(string(*l.Hostname))
}

func httpProtocol(p gatewayv1.ProtocolType) bool {
	return p == gatewayv1.HTTPProtocolType || p == gatewayv1.HTTPSProtocolType
}

// serving are the listeners of a last good version that today's version still has, with today's permissions. Their ports and
// hosts are those that are published.
func serving(last, today []Listener) []Listener {
	var out []Listener
	for _, l := range last {
		i := slices.IndexFunc(today, func(t Listener) bool { return t.Name == l.Name })
		if l.Problem != nil || i < 0 {
			continue
		}
		now := &today[i]
		l.From, l.Selector = now.From, now.Selector
		if now.Problem == nil || now.Problem.Reason != gatewayv1.ListenerReasonUnsupportedProtocol { // which has no kinds to be read
			l.Kinds = now.Kinds
		}
		if now.Host != l.Host {
			l.Within = now.Host
		}
		out = append(out, l)
	}
	return out
}
