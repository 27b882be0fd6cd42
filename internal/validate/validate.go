// Package validate says what of a directory of manifests would not serve, without serving it: it runs the whole
// translation on the objects, with every Pod whose image is known imagined to run, and reads the statuses.
//
// In: a directory. Out: the problems of its files, as package manifests finds them, then what the statuses say, each with
// the file and line of its object; and how many objects there are.
//
//	report, err := validate.Directory(dir, validate.Options{Now: time.Now()})
//	if manifests.HasErrors(report.Problems) { ... }
//
// There is no data plane, so whether proxies take what is published, and listen where they should, is not looked at.
package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/standalone"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// Options are how a directory is validated.
type Options struct {
	// Namespace is that of objects that name none, where their cluster.yaml says nothing; "default" if empty.
	Namespace string
	// SchemaOnly leaves out the translation.
	SchemaOnly bool
	// Strict makes errors of what works here and the newest of GKE's CRDs of extensions refuses.
	Strict bool
	// Now is the time for what has none of its own.
	Now time.Time
}

// Report is what was found.
type Report struct {
	Problems []manifests.Problem
	// Objects counts the objects that files hold.
	Objects int
}

// Directory validates a directory.
func Directory(dir string, o Options) (*Report, error) {
	delta, problems, err := manifests.Read(dir, o.Namespace)
	if err != nil {
		return nil, err
	}
	report := &Report{Problems: problems}
	for i := range problems {
		if o.Strict && problems[i].Rule == schema.RuleAlias {
			problems[i].Severity = manifests.Error
		}
	}
	for _, u := range delta.Upserts {
		if _, _, ok := place(u.Origin); ok {
			report.Objects++
		}
	}
	if o.SchemaOnly {
		return report, nil
	}
	w := &world{store: store.New(slices.Concat(translate.Indexes(), standalone.Indexes())...), places: newPlaces(dir)}
	w.store.Commit(delta.Apply)
	w.translate(dir, o.Now)
	report.Problems = append(report.Problems, w.problems(o.Strict)...)
	return report, nil
}

// world is a directory's objects, translated.
type world struct {
	store    *store.Store
	snapshot *store.Snapshot
	failures []manifests.Problem
	places   *places
	// ports are those that programs of Pods listen on, where that is known.
	ports map[store.Ref][]uint16
}

func (w *world) translate(dir string, now time.Time) {
	writer := status.NewWriter(w.store, status.Limits{})
	w.ports = standalone.Fabricate(w.store, writer, standalone.Options{Dir: dir}, now)
	err := translate.Once(w.store, translate.Options{Traffic: translate.Proximity()}, func(round translate.Round) error {
		writer.Apply(round.Writes, round.Touched, now)
		for _, r := range round.Refusals {
			w.fail("NotPublished", fmt.Sprintf("%s %s is not fit to be published: %s", r.Kind, r.Name, r.Reason))
		}
		for _, p := range round.Problems {
			w.fail("InternalError", fmt.Sprintf("%s: %s", p.Unit, p.Text))
		}
		return nil
	})
	if err != nil {
		w.fail("InternalError", err.Error())
	}
	w.snapshot = w.store.Snapshot()
}

// fail notes what belongs to no file.
func (w *world) fail(rule, message string) {
	w.failures = append(w.failures, manifests.Problem{File: ".", Rule: rule, Message: message, Severity: manifests.Error})
}

// problems judges every object, in order of file and line.
func (w *world) problems(strict bool) []manifests.Problem {
	all := slices.Clone(w.failures)
	for _, kind := range w.snapshot.Kinds() {
		w.snapshot.Walk(kind, "", "", func(e *store.Entry) bool {
			all = append(all, w.judge(e)...)
			return true
		})
	}
	all = append(all, w.silentBackends()...)
	all = append(all, w.lostRequests()...)
	all = append(all, w.extensions(strict)...)
	manifests.SortProblems(all)
	return slices.Compact(all)
}

// problemOf places a problem at its field.
func (w *world) problemOf(e *store.Entry, severity manifests.Severity, field, rule, message string) manifests.Problem {
	p := beginning(e, severity, field, rule, message)
	w.places.at(&p, nil)
	return p
}

// beginning places a problem at the object's beginning; objects that no file holds stand for themselves.
func beginning(e *store.Entry, severity manifests.Severity, field, rule, message string) manifests.Problem {
	file, line, ok := place(e.Origin)
	p := manifests.Problem{
		File: file, Line: line, Object: objectName(e.Ref), Field: field, Rule: rule, Message: message, Severity: severity,
	}
	if ok {
		p.Column = 1
	} else {
		p.File = "."
	}
	return p
}

// place is FILE:LINE, as manifests writes an object's origin.
func place(origin string) (file string, line int, ok bool) {
	at := strings.LastIndexByte(origin, ':')
	if at < 0 {
		return origin, 0, false
	}
	line, err := strconv.Atoi(origin[at+1:])
	return origin[:at], line, err == nil
}
