package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// manifests make the directory a cluster. The base manifests' DNS server is only asked by tests of UDP routes.
func manifests() map[string]string {
	return map[string]string{
		"cluster.yaml": `apiVersion: spillway.dev/v1alpha1
kind: Cluster
metadata: {name: ` + cluster + `}
spec: {region: us-west1, zones: [us-west1-a]}
`,
		"spillway.yaml": `apiVersion: spillway.dev/v1alpha1
kind: Configuration
metadata: {name: conformance}
spec:
  images:
  - {image: registry.k8s.io/coredns/coredns*, command: [sh, -c, exec sleep infinity]}
`,
	}
}

// serving is a running `spillway serve`.
type serving struct {
	dir, socket string
	cmd         *exec.Cmd
	output      *bytes.Buffer
}

// serve starts spillway on an empty directory below root and waits until it answers.
func serve(ctx context.Context, binary, root string) (*serving, error) {
	s := &serving{dir: filepath.Join(root, "objects"), socket: filepath.Join(root, "control.sock"), output: &bytes.Buffer{}}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	for name, text := range manifests() {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	s.cmd = exec.Command(binary, "serve", s.dir, "--socket", s.socket)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test that panics stops nothing
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(root, "state"))
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	classes, _ := find(gatewayGroup, "v1", "gatewayclasses")
	err := wait(ctx, func() (bool, error) {
		objects, err := newSocket(s.socket).objects(ctx, target{resource: classes})
		return err == nil && len(objects) > 0, nil
	})
	if err != nil {
		return nil, fmt.Errorf("spillway does not answer: %w\n%s", err, s.output)
	}
	return s, nil
}

// stop ends spillway as Ctrl-C does.
func (s *serving) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(settleTime):
		_ = s.cmd.Process.Kill()
		return fmt.Errorf("spillway did not end: %w", <-ended)
	}
}
