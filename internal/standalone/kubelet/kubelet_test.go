package kubelet

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

// podIP is an address that no other test binds.
var podIP = netip.MustParseAddr("127.9.8.7")

type harness struct {
	t       *testing.T
	k       *Kubelet
	reports chan workload.Report
}

func newHarness(t *testing.T, drain time.Duration) *harness {
	t.Helper()
	if SharedAddress() {
		podIP = netip.MustParseAddr("127.0.0.1")
	}
	before := runtime.NumGoroutine()
	h := &harness{t: t, reports: make(chan workload.Report, 100)}
	h.k = New(Options{Report: func(r workload.Report) { h.reports <- r }, Dir: t.TempDir(), Drain: drain, Patience: 200 * time.Millisecond})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		h.k.Close(ctx)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		h.until("its goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	})
	return h
}

// until polls a condition.
func (h *harness) until(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			h.t.Fatal("never: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

func (h *harness) run(image string, change func(*workload.Run)) {
	r := &workload.Run{
		Pod: "p", Attempt: 1, Name: "p", Namespace: "n", IP: podIP, Port: 8080,
		Container: &corev1.Container{Name: "c", Image: image},
	}
	if change != nil {
		change(r)
	}
	h.k.Do(workload.Command{Run: r})
}

func (h *harness) stop(grace time.Duration) {
	h.k.Do(workload.Command{Stop: &workload.Stop{Pod: "p", Grace: grace}})
}

// want returns the next report, which has to be of that event.
func (h *harness) want(event workload.Event) workload.Report {
	h.t.Helper()
	select {
	case r := <-h.reports:
		if r.Event != event {
			h.t.Fatalf("report is %+v, want event %d", r, event)
		}
		return r
	case <-time.After(time.Minute):
		h.t.Fatalf("no report, want event %d", event)
	}
	return workload.Report{}
}

// url is where a report says that a port answers.
func url(r workload.Report, port uint16) string {
	if bound, moved := r.Ports[port]; moved {
		port = bound
	}
	return "http://" + netip.AddrPortFrom(podIP, port).String()
}

func fetch(url string) (string, http.Header, error) {
	answer, err := http.Get(url)
	if err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), answer.Header, err
}

// inFlight sends a request up to its body, which its handler is known to wait for, and returns what sends the rest and
// reads the answer.
func inFlight(t *testing.T, at string) (finish func() (string, error)) {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if _, err := io.WriteString(nc, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(nc)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if got, err := r.ReadString('\n'); got != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
	return func() (string, error) {
		if _, err := io.WriteString(nc, "body"); err != nil {
			return "", err
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
}

// refused tells whether nothing listens there any more.
func refused(at string) bool {
	nc, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err == nil {
		_ = nc.Close()
	}
	return err != nil
}

func TestAPodThatIsToStopServesOn(t *testing.T) {
	h := newHarness(t, time.Hour)
	h.run("spillway/test-app", nil)
	at := url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	h.stop(2 * time.Hour)
	if _, _, err := fetch(at + "/"); err != nil {
		t.Errorf("a Pod that was just told to stop refuses: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	h.k.Close(over)
}

func TestStopFinishesWhatIsInFlight(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", nil)
	at := url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	finish := inFlight(t, at)
	h.stop(time.Hour)
	h.until("new connections are refused", func() bool { return refused(at) })
	if body, err := finish(); body != "body" {
		t.Errorf("a request in flight is cut: %q, %v", body, err)
	}
	h.want(workload.Stopped)
}

func TestGracePeriodIsTheLimit(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", nil)
	at := url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	finish := inFlight(t, at)
	h.stop(50 * time.Millisecond)
	h.want(workload.Stopped)
	if body, err := finish(); err == nil {
		t.Errorf("a request longer than the grace period was answered: %q", body)
	}
}

func TestCloseBoundsGracePeriodsThatRun(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", nil)
	at := url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	finish := inFlight(t, at)
	h.stop(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	h.k.Close(ctx)
	if body, err := finish(); err == nil {
		t.Errorf("a request longer than the last grace was answered: %q", body)
	}
}

func TestPortsOnASharedAddressAreFree(t *testing.T) {
	for range 2 {
		l, bound, err := listen(netip.MustParseAddr("127.0.0.1"), 8080)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if bound == 8080 {
			t.Error("a Pod takes a port that others share")
		}
	}
}

func TestPortThatIsTakenMovesUp(t *testing.T) {
	first, port, err := listen(podIP, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, moved, err := listen(podIP, port)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if moved == port || port <= 55535 && !SharedAddress() && moved != port+portOffset {
		t.Errorf("port %d moved to %d", port, moved)
	}
	if _, _, err := listen(netip.MustParseAddr("192.0.2.1"), 80); err == nil {
		t.Error("an address of somebody else is bound")
	}
}

func TestHTTP2WithPriorKnowledge(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("echo-basic", nil)
	at := url(h.want(workload.Running), 3000)
	h.want(workload.Ready)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	answer, err := client.Get(at + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 {
		t.Errorf("protocol is %s", answer.Proto)
	}
}

func TestCommandIsReadyWhenItListens(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("app", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{Command: []string{"sh", "-c", "echo $PORT $0; sleep 1000", "$(POD_IP)"}}
		r.Container.Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	})
	h.want(workload.Running)
	var printed []string // port and address
	h.until("the command prints its address", func() bool {
		got, _ := h.k.Logs("p", "c", 0)
		printed = strings.Fields(string(got))
		return strings.HasSuffix(string(got), podIP.String()+"\n") && len(printed) > 1
	})
	select {
	case r := <-h.reports:
		t.Errorf("a command that does not listen reports %+v", r)
	default:
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(podIP.String(), printed[len(printed)-2]))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	h.want(workload.Listening)
	h.want(workload.Ready)
	h.stop(5 * time.Second)
	h.want(workload.Stopped)
}

func TestWorkerWithoutPortsIsReady(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("worker", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{Command: []string{"sleep", "1000"}}
	})
	h.want(workload.Running)
	h.want(workload.Ready)
	h.want(workload.Listening) // nobody said on which port it would
	h.stop(5 * time.Second)
	h.want(workload.Stopped)
}

// A readiness probe says where a command listens, whatever port its container names, if any.
func TestReadinessProbeNeedsNoPort(t *testing.T) {
	l, err := net.Listen("tcp", netip.AddrPortFrom(podIP, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	h := newHarness(t, time.Millisecond)
	h.run("app", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{Command: []string{"sleep", "1000"}}
		r.Container.Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
		r.Container.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(port)},
		}}
	})
	h.want(workload.Running)
	h.want(workload.Listening)
	h.want(workload.Ready)
	h.stop(5 * time.Second)
	h.want(workload.Stopped)
}

func TestFailures(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("spillway/test-app", func(r *workload.Run) { r.Env = []workload.EnvVar{{Name: "PORT", Value: "x"}} })
	if r := h.want(workload.Failed); !strings.Contains(r.Message, "PORT") {
		t.Errorf("message is %q", r.Message)
	}
	h.run("app", func(r *workload.Run) {
		r.Image = &spillwayv1alpha1.Image{Command: []string{"true"}}
		r.Files = map[string][]byte{"/../../escape": nil}
	})
	if r := h.want(workload.Failed); !strings.Contains(r.Message, "outside") {
		t.Errorf("message is %q", r.Message)
	}
	h.run("app", func(r *workload.Run) { r.Image = &spillwayv1alpha1.Image{Address: "127.0.0.1:99999"} })
	h.want(workload.Failed)
	h.run("spillway/test-app", nil)
	at := url(h.want(workload.Running), 8080)
	h.want(workload.Ready)
	if _, _, err := fetch(at + "/crash"); err != nil {
		t.Fatal(err)
	}
	if r := h.want(workload.Exited); r.ExitCode != 1 {
		t.Errorf("exit code is %d", r.ExitCode)
	}
}

func TestAddressOfWhatRunsAlready(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.run("app", func(r *workload.Run) { r.Image = &spillwayv1alpha1.Image{Address: "localhost:7"} })
	r := h.want(workload.Running)
	if !r.IP.IsLoopback() || r.Ports[0] != 7 {
		t.Errorf("report is %+v", r)
	}
	h.want(workload.Ready)
	h.stop(time.Second)
	h.want(workload.Stopped)
}

func TestStopOfWhatNeverRan(t *testing.T) {
	h := newHarness(t, time.Millisecond)
	h.stop(time.Second)
	h.want(workload.Stopped)
}

// TestAProgramWithoutHTTP has Redis answer on its port, and end with its Pod whoever is connected.
func TestAProgramWithoutHTTP(t *testing.T) {
	h := newHarness(t, 0)
	h.run("redis:7", func(r *workload.Run) { r.Port = 6379 })
	at := strings.TrimPrefix(url(h.want(workload.Running), 6379), "http://")
	h.want(workload.Ready)
	nc, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(nc)
	if got, err := answers.ReadString('\n'); got != "+PONG\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	h.stop(time.Second)
	h.want(workload.Stopped)
	if _, err := answers.ReadByte(); err == nil {
		t.Error("it answers after its end")
	}
	h.until("nothing listens", func() bool { return refused(at) })
}
