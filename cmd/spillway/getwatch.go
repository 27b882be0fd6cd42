package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/printer"
)

// watchInterval is how often a watch asks again.
const watchInterval = 200 * time.Millisecond

// watchObjects prints an object whenever it is new, has changed or is gone, as kubectl does: a row, or a document.
func (o *getOptions) watchObjects(
	ctx context.Context, w io.Writer, client *control.Client, cluster string, all []wanted, output printer.Output,
) error {
	seen := map[string]printer.List{}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	p := watchPrinter{w: w, output: output, options: o.table(output, len(all) > 1)}
	for {
		lists, err := o.lists(ctx, client, cluster, all, output.Format == printer.FormatWide)
		if err != nil {
			return err
		}
		for _, l := range changes(seen, lists) {
			if err := p.print(l); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// changes returns the objects that are new, have another resource version than they were seen with, or are gone: these as
// they were seen last. Each is a list of its own.
func changes(seen map[string]printer.List, lists []printer.List) []printer.List {
	var out []printer.List
	there := map[string]bool{}
	for _, l := range lists {
		for _, object := range l.Objects {
			key := l.Kind.Typed() + "/" + object.GetNamespace() + "/" + object.GetName()
			there[key] = true
			if before, ok := seen[key]; ok && before.Objects[0].GetResourceVersion() == object.GetResourceVersion() {
				continue
			}
			seen[key] = printer.List{Kind: l.Kind, Objects: []printer.Object{object}, Problems: l.Problems}
			out = append(out, seen[key])
		}
	}
	for key, l := range seen {
		if !there[key] {
			delete(seen, key)
			out = append(out, l)
		}
	}
	return out
}

// watchPrinter prints one object at a time: headings once, YAML documents with a line between them.
type watchPrinter struct {
	w       io.Writer
	output  printer.Output
	options printer.TableOptions
	printed bool
}

func (p *watchPrinter) print(l printer.List) error {
	first := !p.printed
	p.printed = true
	if p.output.IsTable() {
		p.options.Now = time.Now()
		p.options.NoHeaders = p.options.NoHeaders || !first
		return printer.Table(p.w, []printer.List{l}, p.options)
	}
	if p.output.Format == printer.FormatYAML && !first {
		fmt.Fprintln(p.w, "---")
	}
	if p.output.Format == printer.FormatJSONPath || p.output.Format == printer.FormatGoTemplate {
		defer fmt.Fprintln(p.w)
	}
	return p.output.Print(p.w, []printer.List{l}, true)
}
