package lab

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// chaos is a fault, what ends it, and how many requests have to be answered while it lasts.
type chaos struct {
	name        string
	fault, mend action
	under       int
}

// action changes something in a lab, or waits for something.
type action func(*testing.T, *rig)

const (
	west = "kubectl --context gke-west-1 -n store "
	// settled waits until both clusters' Pods serve.
	settled = west + "rollout status deployment store --timeout 2m && kubectl --context gke-east-1 -n store rollout status deployment store --timeout 2m"
	// reachable asks both API servers.
	reachable = "kubectl --context gke-east-1 get nodes && kubectl --context gke-west-1 get nodes"
	nodes     = "$(kubectl --context gke-west-1 get nodes -o name)"
)

// inside runs a command in the lab until it succeeds.
func inside(command string) action {
	return func(t *testing.T, r *rig) { r.do(t, command) }
}

// outside runs a command of spillway lab.
func outside(args ...string) action {
	return func(t *testing.T, r *rig) {
		t.Helper()
		if out, err := r.command(append([]string{"lab"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("lab %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// killed kills a container of the app.
func killed(t *testing.T, r *rig) {
	pod := r.do(t, west+"get pods -o jsonpath='{.items[0].metadata.name}'")
	outside("kill-pod", pod, "-n", "store", "--context", "gke-west-1")(t, r)
}

// The proxies of the fleet are processes of their own, so neither the controller nor anything of Kubernetes is in a request's way.
var faults = []chaos{
	{name: "the controller is killed", fault: outside("crash-controller"), under: 50, mend: inside(reachable)},
	{name: "every API server is killed", fault: inside("pkill -9 kube-apiserver"), under: 50, mend: inside(reachable)},
	{name: "every etcd is killed", fault: inside("pkill -9 etcd"), under: 50, mend: inside(reachable)},
	{name: "a cluster is cut off", fault: outside("partition", "gke-west-1", "gke-east-1"), under: 100, mend: outside("partition", "gke-west-1", "gke-east-1", "--heal")},
	{name: "the controller is killed while a cluster is cut off", fault: func(t *testing.T, r *rig) {
		outside("partition", "gke-west-1", "gke-east-1")(t, r)
		outside("crash-controller")(t, r)
	}, under: 300, mend: outside("partition", "gke-west-1", "gke-east-1", "--heal")},
	{name: "a rolling update", fault: inside(west + "rollout restart deployment store"), under: 50, mend: inside(settled)},
	{name: "a cluster is scaled to zero and back", fault: inside(west + "scale deployment store --replicas 0"), under: 100, mend: inside(west + "scale deployment store --replicas 2 && " + settled)},
	{name: "a cluster's Nodes are drained", fault: inside("kubectl --context gke-west-1 drain --force " + nodes), under: 100, mend: inside("kubectl --context gke-west-1 uncordon " + nodes + " && " + settled)},
	{name: "a container is killed", fault: killed, under: 50, mend: inside(settled)},
}

// afterwards is how many requests have to be answered once a fault is mended.
const afterwards = 50

// TestChaos has faults of the control plane and of Pods come and go, while a client asks all along: no request may fail.
func TestChaos(t *testing.T) {
	r := newRig(t, "--controller-arg=--fleet=127.0.0.1:15010", "--controller-arg=--fleet-insecure", "--controller-arg=--data-plane=none")
	for _, region := range []string{"us-west1", "us-east1"} {
		r.background(t, r.binary, "proxy", "--controller", "127.0.0.1:15010", "--fleet-insecure", "--region", region, "--name", region)
	}
	r.do(t, "cd examples/multi-cluster-gateway && for c in gke-west-1 gke-east-1; do kubectl --context $c apply -f $c/store.yaml -f $c/store-service.yaml || exit; done")
	r.do(t, "cd examples/multi-cluster-gateway/gke-west-1 && kubectl --context gke-west-1 apply -f gateway.yaml -f route.yaml && "+settled)
	vip := r.do(t, west+`get gateways.gateway.networking.k8s.io external-http -o jsonpath='{.status.addresses[0].value}' | grep .`)
	r.do(t, "curl -sf -H 'host: store.example.com' http://"+vip+"/")
	c := r.asking(t, "http://"+vip+"/", "store.example.com")
	for _, f := range faults {
		before, _ := c.soFar()
		began := time.Now()
		f.fault(t, r)
		c.await(t, f.under)
		f.mend(t, r)
		c.await(t, afterwards)
		after, failures := c.soFar()
		t.Logf("%s: %d requests answered in %.0f s, %d failed so far", f.name, after-before, time.Since(began).Seconds(), len(failures))
	}
	if _, failures := c.soFar(); len(failures) > 0 {
		t.Errorf("%d requests failed:\n%s", len(failures), strings.Join(failures, "\n"))
	}
}

// background runs a command in the lab until the test ends.
func (r *rig) background(t *testing.T, args ...string) {
	t.Helper()
	cmd := r.inside(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
}

// do runs a command until it succeeds, and returns what it prints.
func (r *rig) do(t *testing.T, command string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(pause) {
		out, err := r.shell(command).CombinedOutput()
		if err == nil {
			return strings.TrimSpace(string(out))
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}

func (r *rig) shell(command string) *exec.Cmd { return r.inside("bash", "-c", command) }

// await returns when that many more requests have been answered.
func (c *client) await(t *testing.T, more int) {
	t.Helper()
	before, _ := c.soFar()
	for deadline := time.Now().Add(patience); ; time.Sleep(pause) {
		answered, failures := c.soFar()
		if answered >= before+more {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d of %d requests were answered; %d failed:\n%s", answered-before, more, len(failures), strings.Join(failures, "\n"))
		}
	}
}
