package serve

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

// The forms of what serve prints.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// reporter tells the user what happens, a line at a time.
type reporter struct {
	mu   sync.Mutex
	out  io.Writer
	json *slog.Logger // nil for text
	now  func() time.Time
}

func newReporter(out io.Writer, format string, now func() time.Time) *reporter {
	r := &reporter{out: out, now: now}
	if format == FormatJSON {
		r.json = slog.New(slog.NewJSONHandler(out, nil))
	}
	return r
}

// say prints a line, with the time.
func (r *reporter) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json != nil {
		r.json.Info(text)
		return
	}
	fmt.Fprintf(r.out, "%s  %s\n", r.now().Format(time.TimeOnly), text)
}

// warn prints a line about something that is not in order.
func (r *reporter) warn(text string) {
	if r.json == nil {
		r.say("%s", text)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.json.Warn(text)
}

// block prints lines as they are; in JSON each is a message.
func (r *reporter) block(lines ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json == nil {
		fmt.Fprintln(r.out, strings.Join(lines, "\n"))
		return
	}
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			r.json.Info(line)
		}
	}
}

// problems prints what is wrong with files, and what no longer is.
func (r *reporter) problems(delta *manifests.Delta) {
	for _, p := range delta.Problems {
		if r.json != nil {
			r.json.Error("problem", "problem", p)
			continue
		}
		r.say("%s", p)
	}
	for _, p := range delta.Solved {
		if r.json != nil {
			r.json.Info("solved", "problem", p)
			continue
		}
		r.say("solved: %s", p)
	}
}

// maxNamed is how many changed objects a reload message names.
const maxNamed = 4

// reload tells what of the files has changed.
func (r *reporter) reload(upserts []manifests.Upsert, deletes []store.Ref) {
	var changed, gone []string
	for _, u := range upserts {
		if u.Origin != implicit {
			changed = append(changed, describe(u.Cluster, u.Object.GetObjectKind().GroupVersionKind().Kind, u.Object.GetNamespace(), u.Object.GetName())+
				" ("+u.Origin+")")
		}
	}
	for _, ref := range deletes {
		gone = append(gone, describe(ref.Cluster, kind.Bare(ref.Kind), ref.Namespace, ref.Name))
	}
	r.names("changed", changed)
	r.names("deleted", gone)
}

func (r *reporter) names(verb string, names []string) {
	if len(names) > maxNamed {
		names = append(names[:maxNamed:maxNamed], fmt.Sprintf("and %d more", len(names)-maxNamed))
	}
	if len(names) > 0 {
		r.say("%s: %s", verb, strings.Join(names, ", "))
	}
}

// implicit is the origin of objects that no file holds.
const implicit = "implicit"

// defaultCluster is that of a directory without cluster folders; nobody named it.
const defaultCluster = "default"

func describe(cluster, kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	if cluster != "" && cluster != defaultCluster {
		return kind + " " + name + " in " + cluster
	}
	return kind + " " + name
}
