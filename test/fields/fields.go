// Package fields finds which fields of structs the code reads and writes, by its types.
//
// In: the import path of a package whose structs are of interest, and the packages to look into. Out: for each field, TYPE.FIELD,
// whether it is read or written anywhere in them. Its tests hold the rule that nothing of the model or of a policy is
// ignored: what no code reads needs a reason.
//
//	uses, err := fields.Of("example.com/api/lb/v1", "./internal/proxy/...")
//	uses.Read["RouteRule.Host"]
package fields

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Uses are the fields that are read and written. A getter reads; a composite literal or an assignment writes.
type Uses struct {
	Read, Written map[string]bool
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool
}

// Of looks into the packages of the patterns, without their tests.
func Of(api string, patterns ...string) (*Uses, error) {
	packages, err := list(patterns)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	uses := &Uses{Read: map[string]bool{}, Written: map[string]bool{}}
	for _, p := range packages {
		if p.DepOnly || p.ImportPath == api {
			continue
		}
		if err := uses.look(api, p, files, imports); err != nil {
			return nil, fmt.Errorf("%s: %w", p.ImportPath, err)
		}
	}
	return uses, nil
}

func list(patterns []string) ([]listed, error) {
	args := append([]string{"list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,DepOnly"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var packages []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

func (u *Uses) look(api string, p listed, files *token.FileSet, imports types.Importer) error {
	var syntax []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		syntax = append(syntax, file)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}, Uses: map[*ast.Ident]types.Object{},
	}
	config := types.Config{Importer: imports}
	if _, err := config.Check(p.ImportPath, files, syntax, info); err != nil {
		return err
	}
	f := finder{uses: u, api: api, info: info, assigned: map[ast.Expr]bool{}}
	for _, file := range syntax {
		ast.Inspect(file, f.visit)
	}
	return nil
}

// finder looks at one package.
type finder struct {
	uses     *Uses
	api      string
	info     *types.Info
	assigned map[ast.Expr]bool
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			f.assigned[left] = true
		}
	case *ast.SelectorExpr:
		f.selector(n)
	case *ast.CompositeLit:
		f.literal(n)
	case *ast.CaseClause: // case *lbv1.RouteMatch_Prefix
		for _, e := range n.List {
			if owner := f.owner(f.info.Types[e].Type); owner != "" {
				f.uses.Read[owner] = true
			}
		}
	}
	return true
}

// owner is the name of a type of the package of interest, behind pointers too; "" for others.
func (f *finder) owner(t types.Type) string {
	if t == nil {
		return ""
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != f.api {
		return ""
	}
	return named.Obj().Name()
}

func (f *finder) selector(n *ast.SelectorExpr) {
	s, ok := f.info.Selections[n]
	if !ok {
		return
	}
	owner := f.owner(f.holder(s))
	name := s.Obj().Name()
	if getter, isGetter := strings.CutPrefix(name, "Get"); owner != "" && isGetter && s.Kind() == types.MethodVal {
		f.uses.Read[owner+"."+getter] = true
		return
	}
	if owner == "" || s.Kind() != types.FieldVal {
		return
	}
	if f.assigned[n] {
		f.uses.Written[owner+"."+name] = true
		return
	}
	f.uses.Read[owner+"."+name] = true
}

// holder is the struct that has the field, which may be embedded in the one that is selected from.
func (f *finder) holder(s *types.Selection) types.Type {
	t := s.Recv()
	index := s.Index()
	for _, i := range index[:len(index)-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		structure, ok := t.Underlying().(*types.Struct)
		if !ok {
			return t
		}
		t = structure.Field(i).Type()
	}
	return t
}

func (f *finder) literal(n *ast.CompositeLit) {
	owner := f.owner(f.info.Types[n].Type)
	if owner == "" {
		return
	}
	f.uses.Written[owner] = true
	for _, e := range n.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				f.uses.Written[owner+"."+key.Name] = true
			}
		}
	}
}
