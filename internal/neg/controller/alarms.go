package controller

import (
	"container/heap"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// alarms are the times at which a Pod has to be looked at though nothing happens, the earliest first.
type alarms []alarm

type alarm struct {
	at  time.Time
	pod store.Ref
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(alarm)) }

func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (a *alarms) set(at time.Time, pod store.Ref) { heap.Push(a, alarm{at, pod}) }

// due takes out the Pods whose time has come.
func (a *alarms) due(now time.Time) (pods []store.Ref) {
	for len(*a) > 0 && !(*a)[0].at.After(now) {
		pods = append(pods, heap.Pop(a).(alarm).pod)
	}
	return pods
}

// next is the earliest time of a Pod that still waits; false if none does.
func (a *alarms) next(waits func(store.Ref) bool) (time.Time, bool) {
	for len(*a) > 0 {
		if first := (*a)[0]; waits(first.pod) {
			return first.at, true
		}
		heap.Pop(a)
	}
	return time.Time{}, false
}
