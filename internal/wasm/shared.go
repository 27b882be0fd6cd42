package wasm

import "sync"

// Shared are data and queues that plugins of the Full profile have in common, by the id of their virtual machine. It is
// safe for use by many.
type Shared struct {
	mu     sync.Mutex
	data   map[sharedKey]sharedValue
	cas    uint32
	queues map[uint32]*queue
	names  map[sharedKey]uint32
	size   int
}

type sharedKey struct{ vm, name string }

type sharedValue struct {
	value []byte
	cas   uint32
}

// queue is one of messages, which one instance takes.
type queue struct {
	messages [][]byte
	consumer *instance
}

// NewShared makes an empty one.
func NewShared() *Shared {
	return &Shared{data: map[sharedKey]sharedValue{}, queues: map[uint32]*queue{}, names: map[sharedKey]uint32{}}
}

// set stores a value; cas, unless it is 0, must be that of the value that is there.
func (s *Shared) set(k sharedKey, value []byte, cas uint32) status {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, found := s.data[k]
	switch {
	case found && cas != 0 && cas != old.cas:
		return casMismatch
	case s.size+len(value)-len(old.value)+len(k.name) > maxShared:
		return internalFailure
	}
	if !found {
		s.size += len(k.name)
	}
	s.size += len(value) - len(old.value)
	if s.cas++; s.cas == 0 {
		s.cas = 1
	}
	s.data[k] = sharedValue{append([]byte(nil), value...), s.cas}
	return ok
}

func (s *Shared) get(k sharedKey) (sharedValue, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found := s.data[k]
	return v, found
}

// register makes the instance the consumer of a queue. What waits in it stays.
func (s *Shared) register(k sharedKey, in *instance) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, found := s.names[k]
	if !found {
		id = uint32(len(s.names) + 1)
		s.names[k] = id
		s.queues[id] = &queue{}
	}
	s.queues[id].consumer = in
	return id
}

func (s *Shared) resolve(k sharedKey) (uint32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, found := s.names[k]
	return id, found
}

func (s *Shared) enqueue(id uint32, message []byte) (*instance, status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[id]
	switch {
	case q == nil:
		return nil, notFound
	case s.size+len(message) > maxShared:
		return nil, internalFailure
	}
	s.size += len(message)
	q.messages = append(q.messages, append([]byte(nil), message...))
	return q.consumer, ok
}

func (s *Shared) dequeue(id uint32) ([]byte, status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[id]
	switch {
	case q == nil:
		return nil, notFound
	case len(q.messages) == 0:
		return nil, empty
	}
	m := q.messages[0]
	q.messages = q.messages[1:]
	s.size -= len(m)
	return m, ok
}

// forget takes an instance off its queues.
func (s *Shared) forget(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if q.consumer == in {
			q.consumer = nil
		}
	}
}

func (in *instance) sharedKey(name string) sharedKey { return sharedKey{in.plugin.config.VMID, name} }

func setSharedData(in *instance, a arguments) uint32 {
	name, good1 := in.text(a.u32(0), a.u32(1))
	value, good2 := in.view(a.u32(2), a.u32(3))
	if !good1 || !good2 {
		return uint32(invalidMemoryAccess)
	}
	return uint32(in.plugin.shared.set(in.sharedKey(name), value, a.u32(4)))
}

func getSharedData(in *instance, a arguments) uint32 {
	name, good := in.text(a.u32(0), a.u32(1))
	if !good {
		return uint32(invalidMemoryAccess)
	}
	v, found := in.plugin.shared.get(in.sharedKey(name))
	if !found {
		return uint32(notFound)
	}
	if s := in.give(v.value, a.u32(2), a.u32(3)); s != ok {
		return uint32(s)
	}
	return in.write32(a.u32(4), v.cas)
}

func registerQueue(in *instance, a arguments) uint32 {
	name, good := in.text(a.u32(0), a.u32(1))
	if !good {
		return uint32(invalidMemoryAccess)
	}
	return in.write32(a.u32(2), in.plugin.shared.register(in.sharedKey(name), in))
}

func resolveQueue(in *instance, a arguments) uint32 {
	vm, good1 := in.text(a.u32(0), a.u32(1))
	name, good2 := in.text(a.u32(2), a.u32(3))
	if !good1 || !good2 {
		return uint32(invalidMemoryAccess)
	}
	if vm == "" {
		vm = in.plugin.config.VMID
	}
	id, found := in.plugin.shared.resolve(sharedKey{vm, name})
	if !found {
		return uint32(notFound)
	}
	return in.write32(a.u32(4), id)
}

func enqueue(in *instance, a arguments) uint32 {
	message, good := in.view(a.u32(1), a.u32(2))
	if !good {
		return uint32(invalidMemoryAccess)
	}
	id := a.u32(0)
	consumer, s := in.plugin.shared.enqueue(id, message)
	if s == ok && consumer != nil {
		in.later(func() { go consumer.fromOutside(func() { consumer.rootCall(onQueueReady, uint64(id)) }) })
	}
	return uint32(s)
}

func dequeue(in *instance, a arguments) uint32 {
	message, s := in.plugin.shared.dequeue(a.u32(0))
	if s != ok {
		return uint32(s)
	}
	return uint32(in.give(message, a.u32(1), a.u32(2)))
}
