package registration

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/admission"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/status"
)

// The names of the webhooks, which kubectl prints with what they refuse.
const (
	ValidateName = "validate.spillway.dev"
	ServicesName = "services.validate.spillway.dev"
	PodsName     = "pod-ready.spillway.dev"
)

const (
	// validateSeconds and podSeconds are how long an API server waits.
	validateSeconds = 3
	podSeconds      = 2
)

// Target is how API servers reach the webhook: by a URL, or by a Service of their own cluster.
type Target struct {
	url                string
	namespace, service string
	port               int32
}

// ParseURL reads https://HOST[:PORT], which API servers of all clusters can reach.
func ParseURL(text string) (*Target, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port()) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no URL like https://HOST:PORT", text)
	}
	return &Target{url: strings.TrimSuffix(u.String(), "/")}, nil
}

// isPort tells whether a URL's port is one; "" is 443.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

// ServiceTarget is a Service of each cluster.
func ServiceTarget(namespace, name string, port int32) *Target {
	return &Target{namespace: namespace, service: name, port: port}
}

// Hosts are the names and addresses that the webhook's certificate has to be for.
func (t *Target) Hosts() []string {
	if t.url == "" {
		return []string{t.service + "." + t.namespace + ".svc"}
	}
	u, err := url.Parse(t.url)
	if err != nil {
		return nil // it has been parsed before
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return []string{ip.String()}
	}
	return []string{u.Hostname()}
}

func (t *Target) client(path string, bundle []byte) admissionregistrationv1.WebhookClientConfig {
	c := admissionregistrationv1.WebhookClientConfig{CABundle: bundle}
	if t.url != "" {
		at := t.url + path
		c.URL = &at
		return c
	}
	c.Service = &admissionregistrationv1.ServiceReference{Namespace: t.namespace, Name: t.service, Path: &path, Port: &t.port}
	return c
}

// objects makes the two objects of a cluster, with the defaults of API servers written out, so that they can be compared.
type objects struct {
	config  *Config
	target  *Target
	cluster string
	bundle  []byte
}

func (o *objects) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: Name(o.config.Install), Annotations: map[string]string{status.InstallAnnotation: o.config.Install},
		Labels: map[string]string{"app.kubernetes.io/managed-by": "spillway"},
	}
}

// namespaces leaves out those without which neither a cluster nor the webhook could start.
func (o *objects) namespaces() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"kube-system", o.config.Namespace},
	}}}
}

func (o *objects) validating() *admissionregistrationv1.ValidatingWebhookConfiguration {
	asks := o.asks(ValidateName, rules())
	services := o.asks(ServicesName, []admissionregistrationv1.RuleWithOperations{rule("", []string{"v1"}, "services")})
	services.MatchConditions = []admissionregistrationv1.MatchCondition{{
		Name: "asks-for-groups", Expression: fmt.Sprintf("has(object.metadata.annotations) && %q in object.metadata.annotations", annotation.Name),
	}}
	return &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: o.meta(), Webhooks: []admissionregistrationv1.ValidatingWebhook{asks, services},
	}
}

func (o *objects) asks(name string, rules []admissionregistrationv1.RuleWithOperations) admissionregistrationv1.ValidatingWebhook {
	return admissionregistrationv1.ValidatingWebhook{
		Name: name, ClientConfig: o.target.client(admission.Path(admission.Validate, o.cluster), o.bundle), Rules: rules,
		FailurePolicy: new(admissionregistrationv1.Ignore), MatchPolicy: new(admissionregistrationv1.Equivalent),
		NamespaceSelector: o.namespaces(), ObjectSelector: &metav1.LabelSelector{}, SideEffects: new(admissionregistrationv1.SideEffectClassNone),
		TimeoutSeconds: new(int32(validateSeconds)), AdmissionReviewVersions: []string{"v1"},
	}
}

// mutating asks again when another webhook has changed a Pod: its labels may be others.
func (o *objects) mutating() *admissionregistrationv1.MutatingWebhookConfiguration {
	pods := rule("", []string{"v1"}, "pods")
	pods.Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
	return &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: o.meta(), Webhooks: []admissionregistrationv1.MutatingWebhook{{
		Name: PodsName, ClientConfig: o.target.client(admission.Path(admission.Pods, o.cluster), o.bundle),
		Rules:         []admissionregistrationv1.RuleWithOperations{pods},
		FailurePolicy: new(admissionregistrationv1.Ignore), MatchPolicy: new(admissionregistrationv1.Equivalent),
		NamespaceSelector: o.namespaces(), ObjectSelector: &metav1.LabelSelector{}, SideEffects: new(admissionregistrationv1.SideEffectClassNone),
		TimeoutSeconds: new(int32(podSeconds)), AdmissionReviewVersions: []string{"v1"},
		ReinvocationPolicy: new(admissionregistrationv1.IfNeededReinvocationPolicy),
	}}}
}

// rules are about the kinds that the webhook is asked about, a rule for each group.
func rules() []admissionregistrationv1.RuleWithOperations {
	var all []admissionregistrationv1.RuleWithOperations
	for _, k := range kind.All() {
		if !admission.Asked(k) {
			continue
		}
		versions := append([]string{k.Version}, k.Older...)
		i := slices.IndexFunc(all, func(r admissionregistrationv1.RuleWithOperations) bool {
			return r.APIGroups[0] == k.Group && slices.Equal(r.APIVersions, versions)
		})
		if i < 0 {
			all = append(all, rule(k.Group, versions, k.Plural))
			continue
		}
		all[i].Resources = append(all[i].Resources, k.Plural)
	}
	return all
}

func rule(group string, versions []string, resource string) admissionregistrationv1.RuleWithOperations {
	return admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{group}, APIVersions: versions, Resources: []string{resource}, Scope: new(admissionregistrationv1.NamespacedScope),
		},
	}
}
