package supervise

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/servers"
	"github.com/spillway-lb/spillway/internal/lab/statedir"
)

func newPlan(t *testing.T) *plan.Plan {
	t.Helper()
	p, err := plan.New(plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKubeconfigHasTheTutorialsContexts(t *testing.T) {
	p := newPlan(t)
	text, err := kubeconfig(p.Clusters, linkTo, []byte("ca"), "token")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "gke-west-1" || len(config.Contexts) != 3 {
		t.Errorf("contexts are %v, current is %s", config.Contexts, config.CurrentContext)
	}
	for _, c := range p.Clusters {
		rest, err := clientcmd.NewNonInteractiveClientConfig(*config, c.Name, nil, nil).ClientConfig()
		if err != nil || rest.Host != "https://"+linkTo(c).String() || rest.BearerToken != "token" || string(rest.CAData) != "ca" {
			t.Errorf("%s: %+v, %v", c.Name, rest, err)
		}
	}
}

func TestCertificatesAreOfTheirAddresses(t *testing.T) {
	a, err := newAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("10.201.0.1")
	text, _, err := a.issue("kube-apiserver", []netip.Addr{addr}, "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	for _, name := range []string{"10.201.0.1", "kubernetes"} {
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheControllersFlags(t *testing.T) {
	p := newPlan(t)
	config := &Config{Plan: p, Dir: statedir.Dir{Path: "/d", Name: "n"}, ControllerArgs: []string{"--access-log=-"}, Webhook: true}
	args := controllerArguments(config, []string{"gke-west-1", "gke-east-1"}, "gke-east-1")
	for _, want := range []string{
		"controller", "--contexts=gke-west-1,gke-east-1", "--config-cluster=gke-east-1", "--address-pool=10.127.0.0/16",
		"--cluster=gke-east-1=us-east1/us-east1-b", "--project=spillway-lab:438412093921", "--socket=/d/controller.sock", "--access-log=-",
		"--webhook=10.200.0.1:9443", "--webhook-url=https://10.200.0.1:9443",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("there is no %s in %q", want, args)
		}
	}
	config.Webhook = false
	if args := controllerArguments(config, []string{"gke-west-1"}, "gke-west-1"); strings.Contains(strings.Join(args, " "), "webhook") {
		t.Errorf("told not to: %q", args)
	}
}

func TestFleet(t *testing.T) {
	f := newFleetState(newPlan(t))
	steps := []struct{ verb, cluster, want string }{
		{unregister, "gke-west-1", "is the config cluster"},
		{unregister, "gke-west-2", ""},
		{unregister, "gke-west-2", "is no member"},
		{configure, "gke-west-2", "is no member"},
		{configure, "gke-east-1", ""},
		{configure, "gke-east-1", "already"},
		{register, "gke-east-1", "already"},
		{unregister, "gke-west-1", ""},
		{register, "gke-west-2", ""},
		{register, "other", "no cluster"},
		{"fly", "gke-west-2", "knows no fly"},
	}
	for _, s := range steps {
		_, err := f.change(s.verb, s.cluster)
		if s.want == "" && err != nil || s.want != "" && (err == nil || !strings.Contains(err.Error(), s.want)) {
			t.Errorf("%s %s: %v, want %q", s.verb, s.cluster, err, s.want)
		}
	}
	if got := f.list(); !slices.Equal(got, []string{"gke-west-2", "gke-east-1"}) || f.configCluster() != "gke-east-1" {
		t.Errorf("members are %v, config cluster %s", got, f.configCluster())
	}
}

func TestCutsFollowTheConfigCluster(t *testing.T) {
	l := newLinks(newPlan(t))
	whole := func(name string) bool {
		select {
		case <-l.all[name].open:
			return true
		default:
			return false
		}
	}
	if err := l.set("gke-west-2", "gke-east-1", "gke-west-1", false); err == nil || !strings.Contains(err.Error(), "nothing goes between") {
		t.Errorf("a cut that nobody feels: %v", err)
	}
	if err := l.set("gke-east-1", "gke-west-1", "gke-west-1", false); err != nil {
		t.Fatal(err)
	}
	if whole("gke-east-1") || !whole("gke-west-1") || !slices.Equal(l.cutFrom("gke-west-1"), []string{"gke-east-1"}) {
		t.Error("the cut is elsewhere")
	}
	l.move("gke-east-1")
	if !whole("gke-east-1") || whole("gke-west-1") {
		t.Error("the control plane moved, and the cut did not follow")
	}
	if err := l.set("gke-west-1", "gke-east-1", "gke-east-1", true); err != nil || !whole("gke-west-1") {
		t.Errorf("healed: %v", err)
	}
	if err := l.set("gke-west-1", "gke-east-1", "gke-east-1", true); err == nil {
		t.Error("what is whole was healed")
	}
}

// TestALinkThatIsCutIsSilent: nothing moves, nothing is closed, and what was sent arrives once it is healed.
func TestALinkThatIsCutIsSilent(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		conn, err := server.Accept()
		if err == nil {
			_, _ = io.Copy(conn, conn)
		}
	}()
	l := newLink(netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort(server.Addr().String()))
	client, far := net.Pipe()
	defer client.Close()
	go l.relay(t.Context(), far)
	echo := func() error {
		_, err := io.ReadFull(client, make([]byte, 4))
		return err
	}
	if _, err := client.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if err := echo(); err != nil {
		t.Fatal(err)
	}
	l.set(false)
	if _, err := client.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if err := echo(); !os.IsTimeout(err) {
		t.Errorf("while it is cut: %v", err)
	}
	_ = client.SetReadDeadline(time.Time{})
	l.set(true)
	if err := echo(); err != nil {
		t.Errorf("healed: %v", err)
	}
}

func TestEnvironmentInside(t *testing.T) {
	s := &supervisor{config: Config{Dir: statedir.Dir{Path: "/d", Name: "n"}, Servers: servers.Set{Dir: "/servers"}}}
	env := s.environment([]string{"PATH=/usr/bin", "KUBECONFIG=/mine", "HOME=/h", "SPILLWAY_LAB=other"})
	joined := strings.Join(env, "\n") + "\n"
	for _, want := range []string{"KUBECONFIG=/d/kubeconfig\n", "SPILLWAY_LAB=n\n", "HOME=/h\n", "PATH=/servers:", ":/usr/bin\n"} {
		if !strings.Contains(joined, want) {
			t.Errorf("there is no %q in %q", want, env)
		}
	}
	if strings.Contains(joined, "/mine") || strings.Contains(joined, "other") {
		t.Errorf("the asker's own stayed: %q", env)
	}
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"tool": 0o700, "text": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=/nowhere:" + dir}
	if path, err := lookPath("tool", "/", env); err != nil || path != filepath.Join(dir, "tool") {
		t.Errorf("%s, %v", path, err)
	}
	if path, err := lookPath("./tool", dir, env); err != nil || path != filepath.Join(dir, "tool") {
		t.Errorf("%s, %v", path, err)
	}
	for _, wrong := range []string{"text", "other", "./text"} {
		if _, err := lookPath(wrong, dir, env); err == nil {
			t.Errorf("%s is no error", wrong)
		}
	}
}

func TestMemoryIsThatOfEveryProcess(t *testing.T) {
	proc := t.TempDir()
	for pid, text := range map[string]string{"1": "Name:\ta\nRssAnon:\t    10 kB\n", "22": "RssAnon:\t5 kB\n", "self": "RssAnon:\t100 kB\n"} {
		if err := os.Mkdir(filepath.Join(proc, pid), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "status"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := memory(proc); got != 15<<10 {
		t.Errorf("memory is %d", got)
	}
}

func TestADaemonThatEndsIsStartedAgainUntilItIsStopped(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	var all daemons
	d := all.start(&daemon{name: "d", path: "/bin/sh", args: []string{"-c", "echo run; exit 3"}, log: log})
	deadline := time.Now().Add(time.Minute)
	for d.crashed() == nil && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if err := d.crashed(); err == nil || !strings.Contains(err.Error(), "again and again") || !strings.Contains(err.Error(), "run\n") {
		t.Errorf("%v", err)
	}
	d.stop(t.Context())
	if d.trouble() == "" {
		t.Error("nothing is said of it")
	}
}

func TestCRDNames(t *testing.T) {
	if got := crdName("net.gke.io_serviceexports.yaml"); got != "serviceexports.net.gke.io" {
		t.Error(got)
	}
}
