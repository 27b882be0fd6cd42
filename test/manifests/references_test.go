package manifests

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// selected is the Deployment whose Pods a selector is for: exactly one.
func selected(t *testing.T, by *metav1.LabelSelector) *appsv1.Deployment {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		t.Fatal(err)
	}
	var found []*appsv1.Deployment
	for _, d := range of[*appsv1.Deployment](t) {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%v selects the Pods of %d Deployments", by, len(found))
	}
	return found[0]
}

// hasPort tells whether a container of a Deployment names a port.
func hasPort(d *appsv1.Deployment, port intstr.IntOrString) bool {
	return slices.ContainsFunc(d.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.String() })
	})
}

// TestSelectorsLeadToPods of one Deployment each, and to ports that these have.
func TestSelectorsLeadToPods(t *testing.T) {
	for name, d := range of[*appsv1.Deployment](t) {
		if selected(t, d.Spec.Selector).Name != name {
			t.Errorf("Deployment %s selects others' Pods", name)
		}
		for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
			if selected(t, c.LabelSelector).Name != name {
				t.Errorf("Deployment %s spreads others' Pods", name)
			}
		}
	}
	for name, s := range of[*corev1.Service](t) {
		d := selected(t, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
		for _, p := range s.Spec.Ports {
			if !hasPort(d, p.TargetPort) {
				t.Errorf("Service %s: %s has no port %s", name, d.Name, p.TargetPort.String())
			}
		}
	}
	for name, b := range of[*policyv1.PodDisruptionBudget](t) {
		if selected(t, b.Spec.Selector).Name != name {
			t.Errorf("PodDisruptionBudget %s is for others' Pods", name)
		}
	}
}

// TestPoliciesLetThrough what Services lead to, and no port that there is not.
func TestPoliciesLetThrough(t *testing.T) {
	open := map[string][]string{}
	for name, policy := range of[*networkingv1.NetworkPolicy](t) {
		d := selected(t, &policy.Spec.PodSelector)
		for _, rule := range policy.Spec.Ingress {
			if len(rule.Ports) == 0 {
				t.Errorf("NetworkPolicy %s opens every port", name)
			}
			for _, p := range rule.Ports {
				if p.Port == nil || !hasPort(d, *p.Port) {
					t.Errorf("NetworkPolicy %s: %s has no port %v", name, d.Name, p.Port)
					continue
				}
				open[d.Name] = append(open[d.Name], p.Port.String())
				if p.Port.String() == "admin" && len(rule.From) == 0 {
					t.Errorf("NetworkPolicy %s opens profiles to everybody", name)
				}
			}
		}
	}
	for name, s := range of[*corev1.Service](t) {
		d := selected(t, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
		for _, p := range s.Spec.Ports {
			if !slices.Contains(open[d.Name], p.TargetPort.String()) {
				t.Errorf("Service %s leads to port %s of %s, which no NetworkPolicy opens", name, p.TargetPort.String(), d.Name)
			}
		}
	}
}

// TestAccountsAndVolumesAreThere: Deployments run as accounts of the files, bindings are for those, and what is mounted is a volume.
func TestAccountsAndVolumesAreThere(t *testing.T) {
	accounts := of[*corev1.ServiceAccount](t)
	for name, d := range of[*appsv1.Deployment](t) {
		pod := d.Spec.Template.Spec
		if accounts[pod.ServiceAccountName] == nil {
			t.Errorf("Deployment %s: no ServiceAccount %s", name, pod.ServiceAccountName)
		}
		for _, m := range pod.Containers[0].VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("Deployment %s: no volume %s", name, m.Name)
			}
		}
	}
	roles, clusterRoles := of[*rbacv1.Role](t), of[*rbacv1.ClusterRole](t)
	check := func(name string, to rbacv1.RoleRef, subjects []rbacv1.Subject) {
		if to.Kind == "Role" && roles[to.Name] == nil || to.Kind == "ClusterRole" && clusterRoles[to.Name] == nil {
			t.Errorf("binding %s: no %s %s", name, to.Kind, to.Name)
		}
		for _, s := range subjects {
			if accounts[s.Name] == nil || s.Namespace != namespace {
				t.Errorf("binding %s: no account %s/%s", name, s.Namespace, s.Name)
			}
		}
	}
	for name, b := range of[*rbacv1.RoleBinding](t) {
		check(name, b.RoleRef, b.Subjects)
	}
	for name, b := range of[*rbacv1.ClusterRoleBinding](t) {
		check(name, b.RoleRef, b.Subjects)
	}
}

// TestFlagsNameServices: whom proxies and replicas call is the Service of controllers, and its port the one that they listen on.
func TestFlagsNameServices(t *testing.T) {
	services := of[*corev1.Service](t)
	for deployment, flags := range map[string][]string{"spillway-proxy": {"--controller="}, "spillway-controller": {"--replicas="}} {
		args := of[*appsv1.Deployment](t)[deployment].Spec.Template.Spec.Containers[0].Args
		for _, flag := range flags {
			host, port, _ := strings.Cut(value(t, args, flag), ":")
			name, _ := strings.CutSuffix(host, "."+namespace+".svc")
			if s := services[name]; s == nil || s.Spec.Ports[0].TargetPort.String() != "fleet" || port != "15010" || s.Spec.Ports[0].Port != 15010 {
				t.Errorf("%s%s:%s is no Service of controllers", flag, host, port)
			}
		}
	}
	args := of[*appsv1.Deployment](t)["spillway-controller"].Spec.Template.Spec.Containers[0].Args
	if s := services[value(t, args, "--webhook-service=")]; s == nil || s.Spec.Ports[0].Port != 443 || s.Spec.Ports[0].TargetPort.String() != "webhook" {
		t.Errorf("--webhook-service names no Service of port 443: %v", s)
	}
	if got := value(t, args, "--namespace="); got != namespace {
		t.Errorf("--namespace=%s", got)
	}
}

// TestPortsAreThoseThatFlagsSay: a container's ports are what its flags have it listen on.
func TestPortsAreThoseThatFlagsSay(t *testing.T) {
	for name, flags := range map[string]map[string]string{
		"spillway-controller": {"fleet": "--fleet=", "webhook": "--webhook=", "admin": "--admin="},
		"spillway-proxy":      {"admin": "--admin="},
	} {
		c := of[*appsv1.Deployment](t)[name].Spec.Template.Spec.Containers[0]
		for _, p := range c.Ports {
			at := intstr.FromInt32(p.ContainerPort)
			if flag := flags[p.Name]; flag != "" && value(t, c.Args, flag) != ":"+at.String() {
				t.Errorf("%s: port %s is %s, and the flag is %s%s", name, p.Name, at.String(), flag, value(t, c.Args, flag))
			}
		}
	}
}

func value(t *testing.T, args []string, flag string) string {
	t.Helper()
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, flag); ok {
			return v
		}
	}
	t.Fatalf("no %s in %v", flag, args)
	return ""
}
