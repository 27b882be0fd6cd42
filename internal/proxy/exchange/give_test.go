package exchange

import (
	"reflect"
	"testing"
	"unsafe"
)

// TestGiveKeepsNothing: what one exchange leaves behind would be another client's.
func TestGiveKeepsNothing(t *testing.T) {
	kept := map[string]bool{".arena": true, ".sending.waits": true, ".answering.informed": true}
	x := newExchange()
	each(reflect.ValueOf(x).Elem(), "", func(_ string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			v.SetInt(1)
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			v.SetUint(1)
		case reflect.String:
			v.SetString("left")
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		}
	})
	new(Engine).Give(x)
	each(reflect.ValueOf(x).Elem(), "", func(path string, v reflect.Value) {
		if !kept[path] && !v.IsZero() && v.Kind() != reflect.Slice {
			t.Errorf("%s is kept", path)
		}
	})
}

// each visits what a value consists of, but not the times, locks and maps of fields in it.
func each(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		if p := v.Type().PkgPath(); p == "sync" || p == "sync/atomic" || p == "time" || v.Type().Name() == "Map" {
			return
		}
		for i := range v.NumField() {
			f := v.Field(i)
			each(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), path+"."+v.Type().Field(i).Name, visit)
		}
	case reflect.Array:
		for i := range v.Len() {
			each(v.Index(i), path, visit)
		}
	default:
		visit(path, v)
	}
}
