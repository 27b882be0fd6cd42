package recompute

import (
	"iter"
	"maps"
)

// layer is a map, or in a fork the changes on top of another that is only read.
type layer[K comparable, V any] struct {
	under *layer[K, V]
	here  map[K]V
	gone  map[K]struct{} // of under
}

func newLayer[K comparable, V any](under *layer[K, V]) layer[K, V] {
	l := layer[K, V]{under: under, here: map[K]V{}}
	if under != nil {
		l.gone = map[K]struct{}{}
	}
	return l
}

func (l *layer[K, V]) get(k K) (V, bool) {
	if v, ok := l.here[k]; ok {
		return v, true
	}
	if l.under != nil {
		if _, gone := l.gone[k]; !gone {
			return l.under.get(k)
		}
	}
	var zero V
	return zero, false
}

func (l *layer[K, V]) set(k K, v V) { l.here[k] = v }

func (l *layer[K, V]) delete(k K) {
	delete(l.here, k)
	if l.under != nil {
		l.gone[k] = struct{}{}
	}
}

// all yields every pair once, in no order.
func (l *layer[K, V]) all() iter.Seq2[K, V] {
	if l.under == nil {
		return maps.All(l.here)
	}
	return func(yield func(K, V) bool) {
		for k, v := range l.here {
			if !yield(k, v) {
				return
			}
		}
		for k, v := range l.under.all() {
			_, replaced := l.here[k]
			if _, gone := l.gone[k]; !replaced && !gone && !yield(k, v) {
				return
			}
		}
	}
}
