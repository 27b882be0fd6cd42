package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spillway-lb/spillway/internal/control"
)

// patience bounds every wait of a script. It is long because test machines are slow, and never reached when all is well.
const patience = 2 * time.Minute

// poll is how often a wait looks.
const poll = 20 * time.Millisecond

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spillway": main})
}

func TestScripts(t *testing.T) {
	// Programs inherit signals that are ignored, such as nohup's, but not those that are waited for.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangups) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"copytree": copyTree, "replace": replace, "eventually": eventually, "listeners": listeners, "curl": curl,
			"terminate": terminate, "backend": backend, "page": page, "pod": pod,
			"load": steadyLoad, "hangup": hangup, "plugin": samplePlugin, "guest": guest, "distinct": distinct,
		},
		Setup:               setup,
		RequireExplicitExec: true,
	})
}

func setup(env *testscript.Env) error {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		return err
	}
	// The addresses of sockets are at most 107 bytes, so the scripts' own directory would not do.
	runtime, err := os.MkdirTemp("", "sw")
	if err != nil {
		return err
	}
	env.Defer(func() { os.RemoveAll(runtime) })
	env.Values[steadyKey{}] = &steady{}
	env.Setenv("EXAMPLES", examples)
	env.Setenv("NET", network(os.Getpid()))
	env.Setenv("XDG_RUNTIME_DIR", runtime)
	env.Setenv("XDG_STATE_HOME", filepath.Join(runtime, "state"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(runtime, "cache"))
	return nil
}

// network is what the addresses begin with that scripts choose themselves, so that runs beside each other differ. No
// Gateway and no Pod has an address in it.
func network(pid int) string { return fmt.Sprintf("127.%d.%d", 16+pid>>8&15, pid&255) }

// copyTree is copytree FROM TO.
func copyTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: copytree FROM TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}

// guest is guest PACKAGE FILE: it builds a plugin of examples/plugins/go with the stock Go toolchain.
func guest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: guest PACKAGE FILE")
	}
	build := exec.CommandContext(context.Background(), "go", "build", "-C", filepath.Join(ts.Getenv("EXAMPLES"), "plugins", "go"),
		"-buildmode=c-shared", "-o", ts.MkAbs(args[1]), args[0])
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		ts.Fatalf("%v\n%s", err, out)
	}
}

// replace is replace OLD NEW FILE: it edits a file in place.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	file := ts.MkAbs(args[2])
	before, err := os.ReadFile(file)
	ts.Check(err)
	after := strings.ReplaceAll(string(before), args[0], args[1])
	if after == string(before) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(file, []byte(after), 0o600))
}

// eventually is [!] eventually REGEXP PROGRAM ARG...: it runs the program until what it prints matches, or no longer does.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] eventually REGEXP PROGRAM ARG...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	matches := func(printed string) error {
		if pattern.MatchString(printed) == neg {
			return fmt.Errorf("%q matched is %v:\n%s", args[0], !neg, printed)
		}
		return nil
	}
	attempt(ts, func() error {
		if err := matches(quietly(ts, args[1:])); err != nil {
			return err
		}
		// Once more for the script to look at. The exit status is the program's own affair.
		_ = ts.Exec(args[1], args[2:]...)
		return matches(ts.ReadFile("stdout") + ts.ReadFile("stderr"))
	})
}

// quietly runs a program without a trace in the script's log, and returns what it prints.
func quietly(ts *testscript.TestScript, args []string) string {
	program := filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], args[0])
	if _, err := os.Stat(program); err != nil {
		program = args[0] // none of ours
	}
	cmd := exec.CommandContext(context.Background(), program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "SPILLWAY_SERVER"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	printed, err := cmd.CombinedOutput()
	if err != nil && len(printed) == 0 {
		return err.Error()
	}
	return string(printed)
}

// terminate is terminate [first]: it sends SIGTERM to every background program, or to the one that was started first.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 || len(args) == 1 && args[0] != "first" {
		ts.Fatalf("usage: terminate [first]")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
		if len(args) == 1 {
			return
		}
	}
}

// listeners is listeners NAME REGION VARIABLE: it puts the URL of a Gateway at a location into an environment variable.
func listeners(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: listeners NAME REGION VARIABLE")
	}
	attempt(ts, func() error {
		if err := ts.Exec("spillway", "urls", "-o", "json"); err != nil {
			return err
		}
		var urls []control.URL
		if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &urls); err != nil {
			return err
		}
		for _, u := range urls {
			if u.Name == args[0] && u.Region == args[1] {
				ts.Setenv(args[2], u.URL)
				return nil
			}
		}
		return fmt.Errorf("no URL of %s in %s", args[0], args[1])
	})
}

// backend is backend SERVICE VARIABLE: it puts the name of a Service's backend service into an environment variable.
func backend(ts *testscript.TestScript, neg bool, args []string) {
	name(ts, neg, args, "backend-services", "-%s-")
}

// pod is pod DEPLOYMENT VARIABLE: it puts the name of a Pod of a Deployment into an environment variable.
func pod(ts *testscript.TestScript, neg bool, args []string) {
	name(ts, neg, args, "pods", "pod/%s-")
}

// name waits for an object whose name holds what the form makes of the first argument.
func name(ts *testscript.TestScript, neg bool, args []string, kind, form string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: backend SERVICE VARIABLE, pod DEPLOYMENT VARIABLE")
	}
	attempt(ts, func() error {
		if err := ts.Exec("spillway", "get", kind, "-o", "name"); err != nil {
			return err
		}
		for name := range strings.FieldsSeq(ts.ReadFile("stdout")) {
			if strings.Contains(name, fmt.Sprintf(form, args[0])) {
				ts.Setenv(args[1], name)
				return nil
			}
		}
		return fmt.Errorf("none of %s is of %s", kind, args[0])
	})
}

// attempt repeats f until it succeeds or patience is over.
func attempt(ts *testscript.TestScript, f func() error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("after %v: %v", patience, err)
		case <-ticker.C:
		}
	}
}
