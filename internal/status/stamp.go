package status

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Stamp returns a copy of a status, a pointer to its struct, in which every condition's lastTransitionTime is set: to
// that of the same condition in old if its status (True, False, Unknown) is the same there, to now if not. A list's
// element is the same one if its name, or the reference that it is about, is.
func Stamp(status, old any, now time.Time) any {
	if status == nil {
		return nil
	}
	next := deepCopy(status)
	// The API server keeps whole seconds.
	stamp(next, transitions(old), metav1.NewTime(now.UTC().Truncate(time.Second)))
	return next
}

// keepTimes returns a copy of a status in which conditions have the times of old where their status is the same there.
func keepTimes(status, old any) any {
	next := deepCopy(status)
	stamp(next, transitions(old), metav1.Time{})
	return next
}

// stamp sets the time of each condition: that of was if its status is the same there; else another, if that is not zero.
func stamp(status any, was map[string]transition, other metav1.Time) {
	eachCondition(reflect.ValueOf(status), "", func(path string, c conditionFields) {
		if w, ok := was[path]; ok && w.status == c.status.String() {
			c.time.Set(reflect.ValueOf(w.time))
		} else if !other.IsZero() {
			c.time.Set(reflect.ValueOf(other))
		}
	})
}

// transitions are the conditions of a status, by path.
func transitions(status any) map[string]transition {
	was := map[string]transition{}
	if status != nil {
		eachCondition(reflect.ValueOf(status), "", func(path string, c conditionFields) {
			was[path] = transition{c.status.String(), c.time.Interface().(metav1.Time)}
		})
	}
	return was
}

type transition struct {
	status string
	time   metav1.Time
}

// conditionFields are the parts of a condition that matter here.
type conditionFields struct {
	status, time reflect.Value
}

// eachCondition calls f for each condition below v, with a path that names it.
func eachCondition(v reflect.Value, path string, f func(string, conditionFields)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachCondition(v.Elem(), path, f)
		}
	case reflect.Struct:
		if c, ok := asCondition(v); ok {
			f(path, c)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachCondition(v.Field(i), path+"."+strconv.Itoa(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachCondition(v.Index(i), path+"["+identity(v.Index(i), i)+"]", f)
		}
	}
}

// asCondition recognises a condition by its fields, whichever API's it is.
func asCondition(v reflect.Value) (conditionFields, bool) {
	c := conditionFields{status: v.FieldByName("Status"), time: v.FieldByName("LastTransitionTime")}
	if !c.time.IsValid() || c.time.Type() != reflect.TypeFor[metav1.Time]() {
		return c, false
	}
	return c, c.status.IsValid() && c.status.Kind() == reflect.String && v.FieldByName("Type").IsValid()
}

// identity names an element of a list: a condition by its type, a listener by its name, a parent or ancestor by its
// reference and controller. Anything else goes by its place.
func identity(v reflect.Value, place int) string {
	if v.Kind() != reflect.Struct {
		return strconv.Itoa(place)
	}
	if _, ok := asCondition(v); ok {
		return v.FieldByName("Type").String()
	}
	if name := v.FieldByName("Name"); name.IsValid() && name.Kind() == reflect.String {
		return name.String()
	}
	for _, field := range []string{"ParentRef", "AncestorRef"} {
		if ref := v.FieldByName(field); ref.IsValid() {
			b, _ := json.Marshal(ref.Interface())
			return string(b) + v.FieldByName("ControllerName").String()
		}
	}
	return strconv.Itoa(place)
}

// deepCopy uses the DeepCopy method that every generated API type has.
func deepCopy(status any) any {
	return reflect.ValueOf(status).MethodByName("DeepCopy").Call(nil)[0].Interface()
}
