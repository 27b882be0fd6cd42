package dashboards

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// dashboard is what this test reads of Grafana's JSON.
type dashboard struct {
	UID        string
	Templating struct {
		List []struct{ Query any }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

var (
	metricName = regexp.MustCompile(`spillway_[a-z0-9_]+`)
	word       = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	part       = regexp.MustCompile(`_(bucket|sum|count)$`)
)

func TestMetricsOfDashboardsExist(t *testing.T) {
	known := metricsOfCode(t)
	names, err := filepath.Glob("../../deploy/dashboards/*.json")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d dashboards, %v", len(names), err)
	}
	uids := map[string]string{}
	for _, name := range names {
		board := read(t, name)
		if other := uids[board.UID]; board.UID == "" || other != "" {
			t.Errorf("%s: uid %q is empty, or that of %s", name, board.UID, other)
		}
		uids[board.UID] = name
		for title, expr := range expressions(board) {
			for _, metric := range metricName.FindAllString(expr, -1) {
				if !known[metric] && !known[part.ReplaceAllString(metric, "")] {
					t.Errorf("%s: %s: nothing in the code is called %s", name, title, metric)
				}
			}
		}
	}
}

// TestWhatDoesNotExistIsFound keeps the collection from knowing everything.
func TestWhatDoesNotExistIsFound(t *testing.T) {
	known := metricsOfCode(t)
	for _, name := range []string{"spillway_requests", "spillway_control_request_total", "spillway_backend_shed_total", "spillway_requests_totals"} {
		if known[name] {
			t.Errorf("%s is known", name)
		}
	}
	for _, name := range []string{"spillway_requests_total", "spillway_fleet_proxies", "spillway_control_rounds_total", "spillway_prober_endpoints"} {
		if !known[name] {
			t.Errorf("%s is not known", name)
		}
	}
}

func read(t *testing.T, name string) dashboard {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return board
}

// expressions are the queries of panels and variables, by what they are for.
func expressions(board dashboard) map[string]string {
	out := map[string]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			out[p.Title] += target.Expr + "\n"
		}
	}
	for _, v := range board.Templating.List {
		if text, err := json.Marshal(v.Query); err == nil {
			out["variables"] += string(text) + "\n"
		}
	}
	return out
}

// metricsOfCode are the names that the code gives to metrics. A name is written in parts, the ones in front ("spillway_control_", or a
// Subsystem) by a function of its file: a literal alone, or that of an argument behind the part that the called function puts in front.
func metricsOfCode(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	err := filepath.WalkDir("../../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		collect(t, path, known)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// collect reads the files of one directory: a function's prefix may be that of a function of another file.
func collect(t *testing.T, dir string, known map[string]bool) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	var files []*ast.File
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, data, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	prefix := prefixes(files)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if p, ok := prefix[called(n)]; ok && len(n.Args) > 0 {
					if name := literal(n.Args[0]); word.MatchString(name) {
						known[p+name] = true
					}
				}
			case *ast.CompositeLit:
				name, ok := composite(n)
				if ok {
					known[name] = true
				}
			case *ast.BasicLit:
				if name := literal(n); metricName.FindString(name) == name && name != "" && !strings.HasSuffix(name, "_") {
					known[name] = true
				}
			}
			return true
		})
	}
}

// prefixes are, by the name of a function that takes a part of a metric's name first, what it puts in front.
func prefixes(files []*ast.File) map[string]string {
	functions := map[string]*ast.FuncLit{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				functions[n.Name.Name] = &ast.FuncLit{Type: n.Type, Body: n.Body}
			case *ast.AssignStmt:
				if f, ok := n.Rhs[0].(*ast.FuncLit); ok {
					if id, ok := n.Lhs[0].(*ast.Ident); ok {
						functions[id.Name] = f
					}
				}
			}
			return true
		})
	}
	found := map[string]string{}
	for range 3 { // a function in a function in a function
		for name, f := range functions {
			if p, ok := prefixOf(f, found); ok {
				found[name] = p
			}
		}
	}
	return found
}

// prefixOf is what a function puts in front of its first argument; found are the prefixes of those that it may call.
func prefixOf(f *ast.FuncLit, found map[string]string) (prefix string, ok bool) {
	if f.Body == nil || len(f.Type.Params.List) == 0 || len(f.Type.Params.List[0].Names) == 0 {
		return "", false
	}
	argument := f.Type.Params.List[0].Names[0].Name
	is := func(e ast.Expr) bool { id, same := e.(*ast.Ident); return same && id.Name == argument }
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if v := fieldsOf(n); is(v["Name"]) && literal(v["Namespace"]) != "" {
				prefix, ok = literal(v["Namespace"])+"_"+literal(v["Subsystem"])+"_", true
			}
		case *ast.CallExpr:
			if len(n.Args) == 0 {
				return true
			}
			before, known := found[called(n)]
			if sum, added := n.Args[0].(*ast.BinaryExpr); added && is(sum.Y) {
				if text := literal(sum.X); known || strings.HasPrefix(text, "spillway_") {
					prefix, ok = before+text, true
				}
			} else if known && is(n.Args[0]) {
				prefix, ok = before, true
			}
		}
		return true
	})
	return prefix, ok
}

// composite is the name of a metric in a literal of options, or of one of the proxy's sources ({"name", "Help.", ...}).
func composite(n *ast.CompositeLit) (name string, ok bool) {
	v := fieldsOf(n)
	if name := literal(v["Name"]); literal(v["Namespace"]) != "" && name != "" {
		return literal(v["Namespace"]) + "_" + literal(v["Subsystem"]) + "_" + name, true
	}
	if len(n.Elts) > 2 && word.MatchString(literal(n.Elts[0])) && strings.HasSuffix(literal(n.Elts[1]), ".") {
		return "spillway_" + literal(n.Elts[0]), true
	}
	return "", false
}

func fieldsOf(n *ast.CompositeLit) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				out[key.Name] = kv.Value
			}
		}
	}
	return out
}

func called(n *ast.CallExpr) string {
	if id, ok := n.Fun.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if text, err := strconv.Unquote(l.Value); err == nil {
			return text
		}
	}
	return ""
}
