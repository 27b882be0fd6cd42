// Package recompute runs the translators: it knows which unit read what, re-runs those whose reads changed, stops where
// an output stayed the same, and publishes each round as one transaction.
//
// In: store snapshots with the read keys that changed. Out: a Round with the lb transaction and the desired writes that
// differ from the last round. It knows nothing of what is translated.
//
//	e := recompute.New(recompute.Config{Units: translators, Roots: roots})
//	snapshot, touched := sub.Take()
//	round := e.Run(snapshot, touched)
//
// A unit is a pure function of what it reads through its View. It has no clock, no memory and does no I/O; deleting
// every memo changes no output (TestIncrementalEqualsScratch holds that).
package recompute

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// ID names a unit: the kind chooses the translator, the key is the translator's own.
type ID struct {
	Kind string
	Key  string
}

// String is kind and key, for people.
func (id ID) String() string { return id.Kind + "(" + id.Key + ")" }

// State is what a unit has come to.
type State uint8

const (
	// Absent: there is nothing to show; what was published goes away.
	Absent State = iota
	// Present: the result counts.
	Present
	// Held: the input is away or can't be read at all, so everything stays. A reader that gets a held unit without a value
	// (after a restart) has to hold, too.
	Held
)

// Result is the output of one translation. Nothing in it may be changed afterwards. What counts of it depends on the
// outcome; "last" is what was there when the round began, also when an earlier process had published it:
//
//	outcome                  Value   Resources, Tallies      Good                Counts, Writes
//	Present                  this    this                    this                this
//	Present, KeepPublished   this    last                    this                this
//	Held                     last    last                    last                this
//	View.Hold                last    last                    last                last
//	Absent                   none    none                    none                this
//
// Where Resources stay, the units that were read for them stay, too. KeepPublished is for a unit whose published version
// nothing can forbid. A unit that is broken itself asks View.Good for its last good input and translates that under what
// holds today.
type Result struct {
	State State
	// Value is what other units read. It is compared with its Equal(any) bool method if it has one, else with
	// reflect.DeepEqual; an equal value wakes no reader.
	Value any
	// Resources are published. One name belongs to one unit; a second one waits until the first lets go.
	Resources []*lbv1.Resource
	// Tallies are counted over all units and go with Resources: they are about what is published.
	Tallies []Tally
	// Counts are tallies that go with Writes: they are about what today's input comes to, whatever is published.
	Counts []Tally
	// Writes are wanted on objects.
	Writes []Write
	// KeepPublished is an outcome of a Present unit, see above: readers learn that the input is broken, and its last good
	// version stays.
	KeepPublished bool
	// Good is the last version of the input that could be obeyed in full. It comes back by View.Good at the next run, also
	// after a restart, so that a unit whose input is broken can translate that version under what holds today.
	Good store.Object
}

// Translator computes one unit.
type Translator func(v *View, key string) Result

// Root says that a unit of kind Unit exists for every object of Kind; its key is the object's Ref as a string.
type Root struct {
	Kind string
	Unit string
}

// Part says which piece of an object a Write is about. An object's part belongs to one unit.
type Part string

const (
	// PartStatus: Value is a pointer to the object's status struct, with zero times in its conditions.
	PartStatus Part = "status"
	// PartCondition: Value is one condition, a struct of the type that the list of the object's status has; Key is its type.
	// It stands beside a PartStatus of somebody else's, such as the Pod's readiness gates beside what the kubelet says.
	PartCondition Part = "condition"
	// PartAnnotations: Value is a map[string]string.
	PartAnnotations Part = "annotations"
	// PartFinalizers: Value is a []string.
	PartFinalizers Part = "finalizers"
	// PartObject: Value is a store.Object that is wanted to exist; it goes when the Write goes.
	PartObject Part = "object"
	// PartReport: Value is for whoever looks after what the object stands for; nothing is written. Key tells several apart.
	PartReport Part = "report"
	// PartEvent: Value is an Event. Key tells several apart.
	PartEvent Part = "event"
)

// Write is one desired piece of an object.
type Write struct {
	Ref   store.Ref
	Part  Part
	Key   string // only for events and conditions
	Value any
}

// Event is emitted when it first appears and again each time that its Cause changes.
type Event struct {
	Type    string // Normal or Warning
	Reason  string
	Message string
	Source  string
	// Cause is whatever this event is about: an equal cause is the same occurrence.
	Cause string
}

// Tally adds Member to the set (Index, Key), of which other units may read the size or the first few members.
type Tally struct {
	Index  string
	Key    string
	Member string
}
