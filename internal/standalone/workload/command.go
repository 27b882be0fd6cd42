package workload

import (
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/store"
)

// Command is an order to whatever runs containers: exactly one field is set.
type Command struct {
	Run  *Run
	Stop *Stop
}

// Run starts a container. Reports name the attempt.
type Run struct {
	// Pod is the id of the Pod, unique over the life of the core.
	Pod     string
	Attempt int

	Name      string
	Namespace string
	Cluster   string
	Zone      string
	Node      string
	Project   string
	// IP is the Pod's address.
	IP netip.Addr

	Container *corev1.Container
	// Image says what runs; nil for a built-in image.
	Image *spillwayv1alpha1.Image
	// Env is the container's environment, every reference resolved, in order.
	Env []EnvVar
	// Files are the contents of the container's volumes by absolute path.
	Files map[string][]byte
	// Port is the PORT of a mapped command that is not told another one by Env.
	Port uint16
	// Grace is the Pod's termination grace period: what the container gets that a probe has ended.
	Grace time.Duration
	// Init: it runs to its end before others start. Nothing is asked of it.
	Init bool
}

// EnvVar is an environment variable.
type EnvVar struct {
	Name  string
	Value string
}

// Stop ends a Pod's containers: they leave within the grace period, or are killed.
type Stop struct {
	Pod   string
	Grace time.Duration
}

// Binding is the Node that a Pod got, and what admission added.
type Binding struct {
	Pod  store.Ref
	Node string
	// Gates are the readiness gates that the Pod is to have.
	Gates []corev1.PodReadinessGate
}

// Gone is a Pod whose last container has ended.
type Gone struct {
	Pod store.Ref
	UID types.UID
}

// Event says what a report is about.
type Event uint8

const (
	// Running: the container has started. Ports and IP count.
	Running Event = iota
	// Failed: it could not start. Reason and Message count.
	Failed
	// Exited: it ended by itself. ExitCode and Message count.
	Exited
	// Listening: a command that runs accepts connections. Whatever is not a command does so from the start.
	Listening
	// Ready and Unready: the readiness probe changed its mind. Message counts.
	Ready
	Unready
	// StartedUp: the startup probe has come out well.
	StartedUp
	// Told is an event of the kubelet's. Reason and Message count.
	Told
	// Stopped: everything of the Pod has ended, after a Stop.
	Stopped
)

// Report is news of a container, or, with Stopped, of a Pod.
type Report struct {
	Pod       string
	Container string
	Attempt   int
	Event     Event
	Reason    string
	Message   string
	ExitCode  int32
	// Ports are the bound ports by container port, where they differ; 0 stands for every other port.
	Ports map[uint16]uint16
	// IP is where the container answers if that is not the Pod's address.
	IP netip.Addr
}
