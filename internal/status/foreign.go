package status

import (
	"reflect"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/store"
)

// keepForeign adds to a status, a pointer to its struct, what other controllers say in the object's own: the elements of
// its lists by controllerName (a route's parents, a policy's ancestors) whose controller the status does not speak for. It
// speaks for ours, and for those that it has elements of.
func keepForeign(status any, object store.Object, ours []string) {
	live := Of(object)
	if status == nil || live == nil || reflect.TypeOf(status) != reflect.TypeOf(live) {
		return
	}
	eachControllerList(reflect.ValueOf(status).Elem(), reflect.ValueOf(live).Elem(), func(mine, theirs reflect.Value) {
		speaksFor := map[string]bool{}
		for _, name := range ours {
			speaksFor[name] = true
		}
		for i := range mine.Len() {
			speaksFor[controllerOf(mine.Index(i))] = true
		}
		for i := range theirs.Len() {
			if e := theirs.Index(i); !speaksFor[controllerOf(e)] {
				mine.Set(reflect.Append(mine, e))
			}
		}
	})
}

// Merge is a status that was written, as it has to be for an object as it is now: with what other controllers than ours say in
// it, and with the transition times that it has for what is not different. The status may hold what others said when it was made.
func Merge(status any, live store.Object, ours []string) any {
	if status == nil {
		return nil
	}
	next := keepTimes(status, Of(live))
	own := reflect.ValueOf(next).Elem()
	eachControllerList(own, own, func(mine, _ reflect.Value) {
		kept := reflect.MakeSlice(mine.Type(), 0, mine.Len())
		for i := range mine.Len() {
			if slices.Contains(ours, controllerOf(mine.Index(i))) {
				kept = reflect.Append(kept, mine.Index(i))
			}
		}
		mine.Set(kept)
	})
	keepForeign(next, live, ours)
	return next
}

// eachControllerList calls f for the fields of two structs of a type that are lists by controller.
func eachControllerList(a, b reflect.Value, f func(a, b reflect.Value)) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			eachControllerList(a.Field(i), b.Field(i), f)
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			if _, ok := field.Type.Elem().FieldByName("ControllerName"); ok {
				f(a.Field(i), b.Field(i))
			}
		}
	}
}

func controllerOf(element reflect.Value) string {
	return element.FieldByName("ControllerName").String()
}

// Of is a pointer to the status that an object came with, nil for a kind that has none.
func Of(o store.Object) any {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	status := v.Elem().FieldByName("Status")
	if !status.IsValid() || status.Kind() != reflect.Struct || !status.CanAddr() {
		return nil
	}
	return status.Addr().Interface()
}

// fillLists makes the lists empty that are nil and have to be there: an API server refuses "parents: null".
func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fillLists(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			if f := v.Field(i); f.Kind() == reflect.Slice && f.IsNil() && required(field) {
				f.Set(reflect.MakeSlice(f.Type(), 0, 0))
			}
			fillLists(v.Field(i))
		}
	}
}

// required says whether a field is written also if it is empty.
func required(f reflect.StructField) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return f.Tag.Get("json") != "" && !strings.Contains(options, "omitempty") && !strings.Contains(options, "inline")
}
