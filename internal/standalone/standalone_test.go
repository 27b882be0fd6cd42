package standalone

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// running is a Controller that acts on a store.
type running struct {
	t     *testing.T
	store *store.Store
	c     *Controller
}

func run(t *testing.T) *running {
	t.Helper()
	return runWith(t, Options{Settle: time.Millisecond, Drain: 50 * time.Millisecond})
}

func runWith(t *testing.T, o Options) *running {
	t.Helper()
	o.Dir = t.TempDir()
	before := runtime.NumGoroutine()
	s := store.New(Indexes()...)
	r := &running{t: t, store: s}
	r.c = New(s, status.NewWriter(s, status.Limits{}), o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.c.Shutdown(ctx)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		r.until("goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	})
	r.put(clusterObject())
	return r
}

func (r *running) put(objects ...store.Object) {
	r.store.Commit(func(tx *store.Tx) {
		for _, o := range objects {
			tx.Put("gke-west-1", o, "test.yaml:1")
		}
	})
}

func (r *running) remove(o store.Object) {
	r.store.Commit(func(tx *store.Tx) { tx.Delete(store.RefTo("gke-west-1", o)) })
}

func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			r.t.Fatal("waited too long for " + what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// endpoints returns the addresses of the Service's ready endpoints.
func (r *running) endpoints(service string) []string {
	var all []string
	r.store.Snapshot().Walk("EndpointSlice.discovery.k8s.io", "", "", func(e *store.Entry) bool {
		s := e.Object.(*discoveryv1.EndpointSlice)
		if s.Labels[discoveryv1.LabelServiceName] != service {
			return true
		}
		for _, x := range s.Endpoints {
			if *x.Conditions.Ready {
				all = append(all, net.JoinHostPort(x.Addresses[0], strconv.Itoa(int(*s.Ports[0].Port))))
			}
		}
		return true
	})
	return all
}

func (r *running) untilEndpoints(service string, n int) []string {
	r.t.Helper()
	var all []string
	r.until(fmt.Sprintf("%d endpoints of %s", n, service), func() bool {
		all = r.endpoints(service)
		return len(all) == n
	})
	return all
}

func (r *running) pods() []*store.Entry {
	var all []*store.Entry
	r.store.Snapshot().Walk("Pod", "", "", func(e *store.Entry) bool {
		all = append(all, e)
		return true
	})
	return all
}

func podStatus(e *store.Entry) *corev1.PodStatus {
	if e.Written != nil {
		if s, ok := e.Written.Status.(*corev1.PodStatus); ok {
			return s
		}
	}
	return &corev1.PodStatus{}
}

func getBody(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "store.example.com"
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func clusterObject() *spillwayv1alpha1.Cluster {
	return &spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"},
		ObjectMeta: metav1.ObjectMeta{Name: "gke-west-1"},
		Spec: spillwayv1alpha1.ClusterSpec{
			Region: "us-west1", Zones: []string{"us-west1-a", "us-west1-b"},
			Project: spillwayv1alpha1.Project{ID: "agmsb-k8s"},
		},
	}
}

func deployment(name, image string, replicas int32, change ...func(*corev1.PodSpec)) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: name, UID: types.UID("uid-" + name), Generation: 1},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "app", Image: image, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				}}},
			},
		},
	}
	for _, f := range change {
		f(&d.Spec.Template.Spec)
	}
	return d
}

func serviceObject(name string, target intstr.IntOrString) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: name, UID: "uid"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": name},
			Ports:    []corev1.ServicePort{{Port: 8080, TargetPort: target, Protocol: corev1.ProtocolTCP}},
		},
	}
}

const whereamiImage = "us-docker.pkg.dev/google-samples/containers/gke/whereami:v1.2.20"

func TestStoreAnswersAsInTheTutorial(t *testing.T) {
	r := run(t)
	r.put(deployment("store", whereamiImage, 2), serviceObject("store", intstr.FromInt32(8080)))
	zones := map[string]bool{}
	for _, addr := range r.untilEndpoints("store", 2) {
		body := getBody(t, "http://"+addr+"/")
		var got map[string]string
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if got["cluster_name"] != "gke-west-1" || got["host_header"] != "store.example.com" ||
			got["project_id"] != "agmsb-k8s" || !strings.HasPrefix(got["pod_name"], "store-") {
			t.Errorf("answer is %s", body)
		}
		if !strings.HasPrefix(got["node_name"], "gke-gke-west-1-default-pool-") ||
			!strings.HasSuffix(got["node_name"], ".c.agmsb-k8s.internal") {
			t.Errorf("node_name is %s", got["node_name"])
		}
		zones[got["zone"]] = true
	}
	if len(zones) != 2 {
		t.Errorf("Pods are in %v", zones)
	}
}

func TestPodsAndStatusesAsKubectlShowsThem(t *testing.T) {
	r := run(t)
	d := deployment("store", whereamiImage, 2)
	r.put(d, serviceObject("store", intstr.FromString("http")))
	r.untilEndpoints("store", 2)
	for _, e := range r.pods() {
		pod := e.Object.(*corev1.Pod)
		parts := strings.Split(pod.Name, "-")
		if len(parts) != 3 || len(parts[2]) != 5 || pod.Labels["pod-template-hash"] != parts[1] {
			t.Errorf("name is %s, labels %v", pod.Name, pod.Labels)
		}
		if len(pod.OwnerReferences) != 1 || pod.OwnerReferences[0].UID == "" || pod.UID == "" || pod.Spec.NodeName == "" {
			t.Errorf("pod is %+v", pod.ObjectMeta)
		}
		s := podStatus(e)
		if s.Phase != corev1.PodRunning || s.HostIP == "" || s.StartTime == nil || !s.ContainerStatuses[0].Ready {
			t.Errorf("status is %+v", s)
		}
	}
	r.until("the Deployment's status", func() bool {
		w := r.store.Snapshot().Get(store.RefTo("gke-west-1", d)).Written
		if w == nil {
			return false
		}
		s := w.Status.(*appsv1.DeploymentStatus)
		return s.ReadyReplicas == 2 && s.AvailableReplicas == 2 && s.UpdatedReplicas == 2 && len(s.Conditions) == 2
	})
	seen := map[string]bool{}
	r.store.Snapshot().Walk("Event", "", "", func(e *store.Entry) bool {
		seen[e.Object.(*corev1.Event).Reason] = true
		return true
	})
	for _, reason := range []string{
		"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Created", "Started",
	} {
		if !seen[reason] {
			t.Errorf("no event %s", reason)
		}
	}
}

func TestServicesGetClusterIPs(t *testing.T) {
	r := run(t)
	ips := map[string]bool{}
	for i := range 3 {
		s := serviceObject(fmt.Sprint("s", i), intstr.FromInt32(80))
		r.put(s)
		r.until("a ClusterIP", func() bool {
			e := r.store.Snapshot().Get(store.RefTo("gke-west-1", s))
			ip := e.Object.(*corev1.Service).Spec.ClusterIP
			if ip != "" && e.Origin != "test.yaml:1" {
				t.Errorf("origin is %s", e.Origin)
			}
			ips[ip] = ip != ""
			return ip != ""
		})
	}
	delete(ips, "")
	if len(ips) != 3 {
		t.Errorf("addresses are %v", ips)
	}
}

// TestRolloutLosesNoRequest edits a Deployment while clients use its ready endpoints.
func TestRolloutLosesNoRequest(t *testing.T) {
	// A client here takes longer to act on what it has read than a proxy does.
	const drain = time.Second
	r := runWith(t, Options{Settle: time.Millisecond, Drain: drain})
	r.put(deployment("store", "spillway/test-app", 2), serviceObject("store", intstr.FromInt32(8080)))
	r.untilEndpoints("store", 2)
	var failed, answered atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				read := time.Now()
				all := r.endpoints("store")
				if len(all) == 0 {
					failed.Add(1)
					continue
				}
				answer, err := client.Get("http://" + all[int(answered.Load())%len(all)] + "/")
				if err != nil && time.Since(read) >= drain {
					continue // what it has read was out of date by then
				}
				if err != nil {
					failed.Add(1)
					t.Log(err)
					continue
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				answered.Add(1)
			}
		})
	}
	for i := range 3 {
		r.put(deployment("store", "spillway/test-app", 2, func(s *corev1.PodSpec) {
			s.Containers[0].Env = []corev1.EnvVar{{Name: "EDIT", Value: fmt.Sprint(i)}}
		}))
		r.until("the new Pods alone", func() bool {
			pods := r.pods()
			for _, e := range pods {
				env := e.Object.(*corev1.Pod).Spec.Containers[0].Env
				if len(env) == 0 || env[0].Value != fmt.Sprint(i) {
					return false
				}
			}
			return len(pods) == 2 && len(r.endpoints("store")) == 2
		})
	}
	close(stop)
	clients.Wait()
	if failed.Load() > 0 || answered.Load() == 0 {
		t.Errorf("%d requests failed, %d were answered", failed.Load(), answered.Load())
	}
}

func TestScaleToZeroAndBack(t *testing.T) {
	r := run(t)
	r.put(deployment("store", whereamiImage, 2), serviceObject("store", intstr.FromInt32(8080)))
	before := r.untilEndpoints("store", 2)
	r.put(deployment("store", whereamiImage, 0))
	r.until("no Pods", func() bool { return len(r.pods()) == 0 })
	r.put(deployment("store", whereamiImage, 2))
	after := r.untilEndpoints("store", 2)
	if strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("addresses were %v, are %v", before, after)
	}
}

func TestCrashedContainerStartsAgain(t *testing.T) {
	r := run(t)
	r.put(deployment("app", "spillway/test-app", 1), serviceObject("app", intstr.FromInt32(8080)))
	addr := r.untilEndpoints("app", 1)[0]
	getBody(t, "http://"+addr+"/crash")
	r.until("a restart", func() bool {
		s := podStatus(r.pods()[0])
		return s.ContainerStatuses[0].RestartCount == 1 && s.ContainerStatuses[0].Ready
	})
	if got := getBody(t, "http://"+r.untilEndpoints("app", 1)[0]+"/health"); got != "ok\n" {
		t.Errorf("answer is %q", got)
	}
}

func TestUnknownImageSaysHowToMapIt(t *testing.T) {
	r := run(t)
	r.put(deployment("app", "example.com/app:v1", 1), serviceObject("app", intstr.FromInt32(8080)),
		deployment("store", whereamiImage, 1), serviceObject("store", intstr.FromInt32(8080)))
	r.untilEndpoints("store", 1)
	r.until("ErrImagePull", func() bool {
		for _, e := range r.pods() {
			s := podStatus(e)
			if len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].State.Waiting != nil {
				w := s.ContainerStatuses[0].State.Waiting
				return w.Reason == "ErrImagePull" && strings.Contains(w.Message, "spec.images") && s.Phase == corev1.PodPending
			}
		}
		return false
	})
	r.put(configuration(spillwayv1alpha1.Image{Image: "example.com/app", Address: "127.0.0.1:1"}))
	if got := r.untilEndpoints("app", 1)[0]; got != "127.0.0.1:1" {
		t.Errorf("the endpoint is %s", got)
	}
}

func configuration(images ...spillwayv1alpha1.Image) *spillwayv1alpha1.Configuration {
	return &spillwayv1alpha1.Configuration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Configuration"},
		ObjectMeta: metav1.ObjectMeta{Name: "configuration"},
		Spec:       spillwayv1alpha1.ConfigurationSpec{Images: images},
	}
}

func TestPodOfTheUserRuns(t *testing.T) {
	r := run(t)
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "bare", Labels: map[string]string{"app": "bare"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx"}}},
	}
	r.put(pod, serviceObject("bare", intstr.FromInt32(80)))
	addr := r.untilEndpoints("bare", 1)[0]
	if body := getBody(t, "http://"+addr+"/"); !strings.Contains(body, "Welcome to nginx!") {
		t.Errorf("answer is %s", body)
	}
	e := r.store.Snapshot().Get(store.RefTo("gke-west-1", pod))
	if e.Origin != "test.yaml:1" || e.Object.(*corev1.Pod).Spec.NodeName == "" {
		t.Errorf("the Pod is %+v of %s", e.Object, e.Origin)
	}
	r.remove(pod)
	r.untilEndpoints("bare", 0)
}

func TestPortThatIsTakenMoves(t *testing.T) {
	var l net.ListenConfig
	taken, err := l.Listen(t.Context(), "tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := int32(taken.Addr().(*net.TCPAddr).Port)
	r := run(t)
	r.put(deployment("app", "spillway/test-app", 1, func(s *corev1.PodSpec) {
		s.Containers[0].Env = []corev1.EnvVar{{Name: "PORT", Value: fmt.Sprint(port)}}
	}), serviceObject("app", intstr.FromInt32(port)))
	addr := r.untilEndpoints("app", 1)[0]
	if strings.HasSuffix(addr, fmt.Sprint(":", port)) {
		t.Errorf("%s is in use", addr)
	}
	if got := getBody(t, "http://"+addr+"/health"); got != "ok\n" {
		t.Errorf("answer is %q", got)
	}
}

func TestReadinessProbeDecides(t *testing.T) {
	r := run(t)
	sick := func(s *corev1.PodSpec) {
		s.Containers[0].Env = []corev1.EnvVar{{Name: "HEALTH", Value: "503"}}
		s.Containers[0].ReadinessProbe = &corev1.Probe{
			FailureThreshold: 1,
			ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health", Port: intstr.FromString("http")}},
		}
	}
	r.put(deployment("app", "spillway/test-app", 1, sick), serviceObject("app", intstr.FromInt32(8080)))
	r.until("an unready Pod", func() bool {
		pods := r.pods()
		if len(pods) != 1 {
			return false
		}
		s := podStatus(pods[0])
		return s.Phase == corev1.PodRunning && !isReady(s)
	})
	if got := r.endpoints("app"); len(got) != 0 {
		t.Errorf("ready endpoints are %v", got)
	}
	r.put(deployment("app", "spillway/test-app", 1, sick, func(s *corev1.PodSpec) { s.Containers[0].Env = nil }))
	r.untilEndpoints("app", 1)
}
