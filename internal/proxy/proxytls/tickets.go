package proxytls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"slices"
	"sync/atomic"
	"time"
)

// Session ticket keys: a new one each TicketRotation; old ones open tickets for TicketLifetime.
const (
	TicketRotation = time.Hour
	TicketLifetime = 24 * time.Hour
)

// TicketKey is the secret that seals tickets (AES-256-GCM).
type TicketKey [32]byte

// Tickets are the session ticket keys of a process, or of several that are given the same ones.
type Tickets struct {
	ring    atomic.Pointer[[]ticketKey]
	rotated time.Time
	given   bool
}

// ticketKey is a key at work. The ring has the newest first; that one seals.
type ticketKey struct {
	id     [keyIDLength]byte
	secret TicketKey
	aead   cipher.AEAD
	born   time.Time
}

const keyIDLength = 4

// NewTickets starts with a random key.
func NewTickets(now time.Time) *Tickets {
	t := new(Tickets)
	t.ring.Store(new([]ticketKey))
	t.rotate(now)
	return t
}

// Tick makes a new key when it is time, and forgets those that are too old. It must not run concurrently with itself or
// Set. Keys that were Set are left alone.
func (t *Tickets) Tick(now time.Time) {
	if !t.given && now.Sub(t.rotated) >= TicketRotation {
		t.rotate(now)
	}
}

func (t *Tickets) rotate(now time.Time) {
	var secret TicketKey
	_, _ = rand.Read(secret[:]) // never fails
	ring := []ticketKey{newTicketKey(secret, now)}
	for _, k := range *t.ring.Load() {
		if now.Sub(k.born) < TicketLifetime+TicketRotation {
			ring = append(ring, k)
		}
	}
	t.rotated = now
	t.ring.Store(&ring)
}

// Set replaces the keys by ones that other processes have, too: the first seals, all open. From then on rotation is
// the caller's.
func (t *Tickets) Set(keys []TicketKey, now time.Time) {
	if len(keys) == 0 {
		return
	}
	ring := make([]ticketKey, 0, len(keys))
	for _, secret := range keys {
		ring = append(ring, newTicketKey(secret, now))
	}
	t.given = true
	t.ring.Store(&ring)
}

// Keys are the secrets in use, for a process that takes over.
func (t *Tickets) Keys() []TicketKey {
	ring := *t.ring.Load()
	out := make([]TicketKey, 0, len(ring))
	for i := range ring {
		out = append(out, ring[i].secret)
	}
	return out
}

func newTicketKey(secret TicketKey, now time.Time) ticketKey {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k := ticketKey{secret: secret, aead: aead, born: now}
	sum := sha256.Sum256(secret[:])
	copy(k.id[:], sum[:])
	return k
}

// seal makes a ticket that opens only under the same binding.
func (t *Tickets) seal(state *tls.SessionState, binding []byte) ([]byte, error) {
	plain, err := state.Bytes()
	if err != nil {
		return nil, err
	}
	k := &(*t.ring.Load())[0]
	out := make([]byte, keyIDLength, keyIDLength+len(plain)+k.aead.Overhead())
	copy(out, k.id[:])
	return k.aead.Seal(out, nil, plain, binding), nil
}

// open returns nil for tickets that are not ours, too old, or sealed under another binding: the handshake is then a
// full one.
func (t *Tickets) open(ticket, binding []byte) *tls.SessionState {
	if len(ticket) < keyIDLength {
		return nil
	}
	ring := *t.ring.Load()
	i := slices.IndexFunc(ring, func(k ticketKey) bool { return string(k.id[:]) == string(ticket[:keyIDLength]) })
	if i < 0 {
		return nil
	}
	plain, err := ring[i].aead.Open(nil, nil, ticket[keyIDLength:], binding)
	if err != nil {
		return nil
	}
	state, err := tls.ParseSessionState(plain)
	if err != nil {
		return nil
	}
	return state
}
