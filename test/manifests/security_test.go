package manifests

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// safeSysctls are those of Pod Security's profiles that are used here.
var safeSysctls = []string{"net.ipv4.ip_unprivileged_port_start"}

// TestPodsAreRestricted: the namespace enforces Pod Security's profile "restricted", and each Pod is one that it admits.
func TestPodsAreRestricted(t *testing.T) {
	if got := of[*corev1.Namespace](t)[namespace].Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
		t.Errorf("the namespace enforces %q", got)
	}
	for name, d := range of[*appsv1.Deployment](t) {
		pod := d.Spec.Template.Spec
		for _, problem := range append(podProblems(pod), containerProblems(pod)...) {
			t.Errorf("Deployment %s: %s", name, problem)
		}
	}
}

// TestWhatIsNotRestrictedIsFound keeps the check from admitting everything.
func TestWhatIsNotRestrictedIsFound(t *testing.T) {
	for name, change := range map[string]func(*corev1.PodSpec){
		"host network": func(p *corev1.PodSpec) { p.HostNetwork = true },
		"root":         func(p *corev1.PodSpec) { p.SecurityContext.RunAsUser = new(int64(0)) },
		"no seccomp":   func(p *corev1.PodSpec) { p.SecurityContext.SeccompProfile = nil },
		"sysctl":       func(p *corev1.PodSpec) { p.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.panic"}} },
		"host path": func(p *corev1.PodSpec) {
			p.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}
		},
		"host port":                         func(p *corev1.PodSpec) { p.Containers[0].Ports[0].HostPort = 80 },
		"escalation":                        func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil },
		"capabilities":                      func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.Capabilities = nil },
		"a file system that can be written": func(p *corev1.PodSpec) { p.Containers[0].SecurityContext.ReadOnlyRootFilesystem = nil },
	} {
		pod := of[*appsv1.Deployment](t)["spillway-controller"].Spec.Template.Spec
		change(&pod)
		if len(podProblems(pod))+len(containerProblems(pod)) == 0 {
			t.Errorf("%s was not found", name)
		}
	}
}

func podProblems(pod corev1.PodSpec) (problems []string) {
	c := pod.SecurityContext
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		problems = append(problems, "a namespace of the host")
	}
	if !is(c.RunAsNonRoot, true) || c.RunAsUser == nil || *c.RunAsUser == 0 {
		problems = append(problems, "may run as root")
	}
	if c.SeccompProfile == nil || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		problems = append(problems, "no seccomp profile")
	}
	for _, s := range c.Sysctls {
		if !slices.Contains(safeSysctls, s.Name) {
			problems = append(problems, "sysctl "+s.Name)
		}
	}
	for _, v := range pod.Volumes {
		if v.Secret == nil && v.EmptyDir == nil && v.ConfigMap == nil {
			problems = append(problems, "volume "+v.Name)
		}
	}
	return problems
}

func containerProblems(pod corev1.PodSpec) (problems []string) {
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		s := c.SecurityContext
		if s == nil || !is(s.AllowPrivilegeEscalation, false) || is(s.Privileged, true) {
			problems = append(problems, c.Name+" may gain privileges")
			continue
		}
		if !is(s.ReadOnlyRootFilesystem, true) {
			problems = append(problems, c.Name+" may write to its root")
		}
		if s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0 {
			problems = append(problems, c.Name+" has capabilities")
		}
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 }) {
			problems = append(problems, c.Name+" has a port of the host")
		}
	}
	return problems
}

func is(b *bool, want bool) bool { return b != nil && *b == want }

// TestWrittenPathsAreMounted: with a root that cannot be written to, what flags and variables have written is below a volume.
func TestWrittenPathsAreMounted(t *testing.T) {
	for name, d := range of[*appsv1.Deployment](t) {
		pod := d.Spec.Template.Spec
		c := pod.Containers[0]
		var paths []string
		for _, a := range c.Args {
			if flag, path, _ := strings.Cut(a, "="); slices.Contains([]string{"--state", "--images", "--fleet-cert", "--fleet-key", "--fleet-ca"}, flag) {
				paths = append(paths, path)
			}
		}
		for _, e := range c.Env {
			if strings.HasPrefix(e.Name, "XDG_") {
				paths = append(paths, e.Value+"/")
			}
		}
		if len(paths) < 5 {
			t.Errorf("Deployment %s: paths %v", name, paths)
		}
		for _, path := range paths {
			if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(path, m.MountPath+"/") }) {
				t.Errorf("Deployment %s: nothing is mounted for %s", name, path)
			}
		}
	}
}
