package lab

import (
	"bufio"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// client asks all along, one request after the other, each over a connection of its own, and counts.
type client struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu       sync.Mutex
	answered int
	failures []string
}

// asking has a client ask a URL inside the lab until the test ends. curl gives up after 10 s.
func (r *rig) asking(t *testing.T, url, host string) *client {
	t.Helper()
	loop := fmt.Sprintf(`while true; do curl -sS -m 10 -o /dev/null -w '%%{http_code}\n' -H 'host: %s' %s 2>&1 | tr '\n' ' '; echo; done`, host, url)
	c := &client{cmd: r.inside("bash", "-c", loop), done: make(chan struct{})}
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.count(lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.done
		_ = c.cmd.Wait() // it was killed
	})
	return c
}

func (c *client) count(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if line == "200 " {
		c.answered++
		return
	}
	c.failures = append(c.failures, time.Now().Format("15:04:05 ")+line)
}

// so far: how many requests were answered by 200, and what became of the others.
func (c *client) soFar() (answered int, failures []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered, c.failures
}
