package extension

import (
	"slices"
	"strings"
)

// Reasons of Accepted.
const (
	reasonAccepted         = "Accepted"
	reasonInvalid          = "Invalid"
	reasonNotAllowed       = "NotAllowed"
	reasonTooLarge         = "TooLarge"
	reasonInvalidService   = "InvalidExtensionService"
	reasonInvalidPlugin    = "InvalidGCPWasmPlugin"
	reasonInvalidCEL       = "InvalidCELExpression"
	reasonNoMatchingTarget = "NoMatchingTarget"
	reasonConflicted       = "Conflicted"
)

// Reasons of ResolvedRefs.
const (
	reasonResolvedRefs    = "ResolvedRefs"
	reasonServiceNotFound = "ExtensionServiceNotFound"
	reasonPluginNotFound  = "GCPWasmPluginNotFound"
	reasonRefNotPermitted = "RefNotPermitted"
)

// reasonWaiting is that of what is no mistake, and only not there yet: it counts against Programmed alone.
const reasonWaiting = "Pending"

// problem is why an extension, or a part of it, cannot run.
type problem struct {
	// Reason belongs to Accepted, to ResolvedRefs or is reasonWaiting.
	Reason  string
	Message string
	// Chain and Extension are the part that is concerned, -1 for all of them.
	Chain, Extension int
	// Harmless: the part runs all the same.
	Harmless bool
	// Instead says what is served in the place of what it is about, "" if nothing is.
	Instead string
}

func (p problem) isReference() bool {
	return p.Reason == reasonServiceNotFound || p.Reason == reasonPluginNotFound || p.Reason == reasonRefNotPermitted
}

// isWaiting: nobody has to change anything.
func (p problem) isWaiting() bool { return p.Reason == reasonWaiting }

// hidesCondition: which requests a chain is for cannot be told.
func (p problem) hidesCondition() bool {
	return p.Reason == reasonInvalidCEL || p.Reason == reasonTooLarge
}

// first is the first of the problems that counts against a condition, nil if none does.
func first(problems []problem, counts func(problem) bool) *problem {
	for i := range problems {
		if counts(problems[i]) {
			return &problems[i]
		}
	}
	return nil
}

// sum is the first of the problems that count against a condition, with what the others say of it as well; nil if none does.
func sum(problems []problem, counts func(problem) bool) *problem {
	p := first(problems, counts)
	if p == nil {
		return nil
	}
	out := *p
	var texts []string
	for i, q := range problems {
		if counts(q) && !slices.Contains(texts, q.Message) {
			texts = append(texts, q.Message)
		}
		// What goes on instead stands behind all that it goes on instead of.
		last := i+1 == len(problems) || problems[i+1].Instead != q.Instead
		if q.Instead != "" && last && len(texts) > 0 && !slices.Contains(texts, q.Instead) {
			texts = append(texts, q.Instead)
		}
	}
	out.Message = strings.Join(texts, "; ")
	return &out
}

func againstAccepted(p problem) bool   { return !p.isReference() && !p.isWaiting() }
func againstReferences(p problem) bool { return p.isReference() }
func againstProgrammed(p problem) bool { return p.isWaiting() }
