package kind_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/kind"
)

func TestNamesAreOneToOne(t *testing.T) {
	refs := map[string]bool{}
	for _, k := range kind.All() {
		ref := k.Ref()
		if refs[ref] {
			t.Errorf("%s is in the table twice", ref)
		}
		refs[ref] = true
		if found, ok := kind.Of(ref); !ok || found.Plural != k.Plural {
			t.Errorf("Of(%s) is %+v, %v", ref, found, ok)
		}
		name, group := kind.Split(ref)
		if name != k.Name || group != k.Group || kind.Join(name, group) != ref || kind.Bare(ref) != k.Name {
			t.Errorf("%s splits into %s and %s", ref, name, group)
		}
		if k.Custom != strings.Contains(k.Group, ".") && k.Group != kind.GroupDiscovery && k.Group != kind.GroupNetworking {
			t.Errorf("%s: custom is %v", ref, k.Custom)
		}
	}
}

// TestNoStrayLiterals wants the kinds of named groups to be written out in this package only.
func TestNoStrayLiterals(t *testing.T) {
	known := map[string]bool{}
	for _, k := range kind.All() {
		if k.Group != "" {
			known[k.Ref()] = true
		}
	}
	for _, root := range []string{"..", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			strays(t, path, known)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func strays(t *testing.T, path string, known map[string]bool) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && known[text] {
			t.Errorf("%s: %q is a constant of package kind", files.Position(literal.Pos()), text)
		}
		return true
	})
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, spec := range g.Specs {
				aliases(t, files, spec.(*ast.ValueSpec))
			}
		}
	}
}

// aliases wants a kind to have one name.
func aliases(t *testing.T, files *token.FileSet, spec *ast.ValueSpec) {
	t.Helper()
	for _, value := range spec.Values {
		if s, ok := value.(*ast.SelectorExpr); ok {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == "kind" {
				t.Errorf("%s is another name for kind.%s", files.Position(spec.Pos()), s.Sel.Name)
			}
		}
	}
}
