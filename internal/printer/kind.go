package printer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/kind"
)

// Kind is one kind of object and how it is printed.
type Kind struct {
	kind.Kind
	// Columns of the table, without the name; nil for the kinds with a layout of their own and those with just an age.
	Columns []Column
}

// Column is one additionalPrinterColumn of a CRD.
type Column struct {
	Header string
	Path   string // JSONPath
	Date   bool
	Wide   bool
}

// hasConditions says whether controllers write conditions about objects of the kind.
func (k *Kind) hasConditions() bool {
	return k.Custom && k.Ref() != kind.ReferenceGrant && k.Ref() != kind.Configuration && k.Ref() != kind.Cluster
}

// Typed is kind.group in lower case, as `-o name` and tables of several kinds prefix names.
func (k *Kind) Typed() string {
	return strings.ToLower(k.Ref())
}

// names are all that Lookup takes, most common first.
func (k *Kind) names() []string {
	singular := strings.ToLower(k.Name)
	names := append([]string{k.Plural, singular}, k.Short...)
	if k.Group != "" {
		names = append(names, k.Plural+"."+k.Group, singular+"."+k.Group,
			k.Plural+"."+k.Version+"."+k.Group, singular+"."+k.Version+"."+k.Group)
	}
	return names
}

// UnknownKindError says that no kind goes by a name, and which come close.
type UnknownKindError struct {
	Name  string
	Close []string
}

func (e *UnknownKindError) Error() string {
	text := fmt.Sprintf("the server doesn't have a resource type %q", e.Name)
	if len(e.Close) > 0 {
		text += "; did you mean " + strings.Join(e.Close, ", ") + "?"
	}
	return text
}

// Lookup finds a kind by plural, singular or short name, or plural.group, in any case. Where two groups share a name,
// the first of Kinds has it.
func Lookup(name string) (*Kind, error) {
	lower := strings.ToLower(name)
	kinds := Kinds()
	for i := range kinds {
		if slices.Contains(kinds[i].names(), lower) {
			return &kinds[i], nil
		}
	}
	return nil, &UnknownKindError{Name: name, Close: CloseNames(lower, allNames(kinds))}
}

func allNames(kinds []Kind) []string {
	var names []string
	for i := range kinds {
		names = append(names, kinds[i].Plural)
	}
	return names
}

// CloseNames returns up to three of names that a typing error may have meant.
func CloseNames(typed string, names []string) []string {
	var found []string
	for _, name := range names {
		near := editDistance(typed, name) <= max(1, len(typed)/4)
		if (near || (len(typed) > 2 && strings.HasPrefix(name, typed))) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return editDistance(typed, a) - editDistance(typed, b) })
	return found[:min(3, len(found))]
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
