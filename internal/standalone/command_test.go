package standalone

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
)

// server is a program that answers with what it was told.
const server = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		settings, _ := os.ReadFile(os.Getenv("POD_ROOT") + "/etc/app/settings")
		fmt.Fprintf(w, "%s %s %s %s %s %v", os.Getenv("POD_NAME"), os.Getenv("COLOR"), os.Getenv("TOKEN"), os.Getenv("REGION"),
			settings, os.Args[1:])
	})
	fmt.Println("listening")
	panic(http.ListenAndServe(os.Getenv("POD_IP")+":"+os.Getenv("PORT"), nil))
}
`

// buildServer compiles the program.
func buildServer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "server")
	if err := os.WriteFile(source, []byte(server), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func TestMappedCommandGetsWhatTheContainerHas(t *testing.T) {
	binary := buildServer(t)
	r := run(t)
	r.put(
		&corev1.ConfigMap{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "m"},
			Data: map[string]string{"color": "blue", "settings": "fast"},
		},
		configuration(spillwayv1alpha1.Image{
			Image: "example.com/*", Command: []string{binary, "--on=$(POD_IP)"},
			Env: []spillwayv1alpha1.EnvVar{{Name: "REGION", Value: "here"}},
		}),
		serviceObject("app", intstr.FromString("http")),
		deployment("app", "example.com/app:v1", 1, func(s *corev1.PodSpec) {
			c := &s.Containers[0]
			c.Args = []string{"-v"}
			c.Env = []corev1.EnvVar{
				{Name: "COLOR", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "m"}, Key: "color",
				}}},
				{Name: "TOKEN", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "token",
				}}},
			}
			c.VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/etc/app"}}
			s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "m"},
			}}}}
		}),
	)
	r.until("a Pod that misses its Secret", func() bool {
		pods := r.pods()
		if len(pods) != 1 {
			return false
		}
		s := podStatus(pods[0]).ContainerStatuses
		return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "CreateContainerConfigError" &&
			strings.Contains(s[0].State.Waiting.Message, `secret "s" not found`)
	})
	r.put(&corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "s"},
		Data: map[string][]byte{"token": []byte("xyz")},
	})
	addr := r.untilEndpoints("app", 1)[0]
	pod := r.pods()[0]
	ip := podStatus(pod).PodIP
	if got, want := getBody(t, "http://"+addr+"/"), pod.Ref.Name+" blue xyz here fast [--on="+ip+" -v]"; got != want {
		t.Errorf("answer is %q, want %q", got, want)
	}
	if got, next := r.c.Logs(pod.Ref, "app", 0); string(got) != "listening\n" || next != int64(len(got)) {
		t.Errorf("log is %q", got)
	}
}

func TestCommandThatEndsBacksOff(t *testing.T) {
	r := run(t)
	r.put(
		configuration(spillwayv1alpha1.Image{Image: "broken", Command: []string{"sh", "-c", "echo no database; exit 3"}}),
		deployment("app", "broken:v1", 1),
	)
	r.until("CrashLoopBackOff", func() bool {
		pods := r.pods()
		if len(pods) != 1 {
			return false
		}
		s := podStatus(pods[0]).ContainerStatuses[0]
		return s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" && s.RestartCount >= 1 &&
			s.LastTerminationState.Terminated.ExitCode == 3 &&
			strings.Contains(s.LastTerminationState.Terminated.Message, "no database")
	})
}

func TestCommandThatDoesNotStart(t *testing.T) {
	r := run(t)
	r.put(
		configuration(spillwayv1alpha1.Image{Image: "absent", Command: []string{"/no/such/program"}}),
		deployment("app", "absent", 1),
	)
	r.until("the reason", func() bool {
		pods := r.pods()
		if len(pods) != 1 {
			return false
		}
		last := podStatus(pods[0]).ContainerStatuses[0].LastTerminationState.Terminated
		return last != nil && last.Reason == "RunContainerError" && strings.Contains(last.Message, "/no/such/program")
	})
}
