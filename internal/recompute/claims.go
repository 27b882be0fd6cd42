package recompute

import (
	"slices"
)

// claims say which unit has a key: the name of a resource, or the part of an object. Of several that want one, one has it;
// the others wait, and the lowest of them gets it when the owner lets go.
type claims struct {
	// lowest: the lowest unit has the key always, whoever came first. What serves is not taken away from anybody, so it is
	// for writes only.
	lowest  bool
	owners  layer[string, ID]
	waiting layer[string, []ID] // sorted
	// granted are the keys that went to units that waited, freed those that may still.
	granted []grant
	freed   map[string]struct{}
}

type grant struct {
	key  string
	unit ID
}

func newClaims(lowest bool) *claims {
	return &claims{
		lowest: lowest, owners: newLayer[string, ID](nil), waiting: newLayer[string, []ID](nil), freed: map[string]struct{}{},
	}
}

func (c *claims) fork() *claims {
	return &claims{lowest: c.lowest, owners: newLayer(&c.owners), waiting: newLayer(&c.waiting), freed: map[string]struct{}{}}
}

// owns says whether the unit has the key.
func (c *claims) owns(key string, unit ID) bool {
	owner, ok := c.owners.get(key)
	return ok && owner == unit
}

// release ends a unit's claim; it says whether the unit had the key.
func (c *claims) release(key string, unit ID) bool {
	if c.owns(key, unit) {
		c.owners.delete(key)
		c.freed[key] = struct{}{}
		return true
	}
	c.leave(key, unit)
	return false
}

func (c *claims) leave(key string, unit ID) {
	waiting, _ := c.waiting.get(key)
	i := slices.Index(waiting, unit)
	switch {
	case i < 0:
	case len(waiting) == 1:
		c.waiting.delete(key)
	default:
		c.waiting.set(key, slices.Concat(waiting[:i], waiting[i+1:]))
	}
}

// claim makes a unit the owner of a key, or lets it wait. It returns the owner, whether that is news, and whether the
// unit waits from now on. Units claim in the order of their names.
func (c *claims) claim(key string, unit ID) (owner ID, taken, waits bool) {
	owner, owned := c.owners.get(key)
	if !owned {
		waiting, _ := c.waiting.get(key)
		if len(waiting) == 0 || compareIDs(unit, waiting[0]) <= 0 {
			c.leave(key, unit)
			c.owners.set(key, unit)
			return unit, true, false
		}
		owner = c.grant(key, waiting[0])
	}
	if owner == unit {
		return owner, false, false
	}
	if c.lowest && compareIDs(unit, owner) < 0 {
		c.leave(key, unit)
		c.owners.set(key, unit)
		c.wait(key, owner)
		return unit, true, false
	}
	return owner, false, c.wait(key, unit)
}

// wait lets a unit wait for a key; it says whether that is news.
func (c *claims) wait(key string, unit ID) bool {
	waiting, _ := c.waiting.get(key)
	i, found := slices.BinarySearchFunc(waiting, unit, compareIDs)
	if !found {
		c.waiting.set(key, slices.Insert(slices.Clone(waiting), i, unit))
	}
	return !found
}

func (c *claims) grant(key string, unit ID) ID {
	c.leave(key, unit)
	c.owners.set(key, unit)
	c.granted = append(c.granted, grant{key, unit})
	return unit
}

// handOver gives what was freed, and nobody else claimed, to those who wait. It returns all that went to such units.
func (c *claims) handOver() []grant {
	for _, key := range sortedKeys(c.freed) {
		if _, owned := c.owners.get(key); owned {
			continue
		}
		if waiting, _ := c.waiting.get(key); len(waiting) > 0 {
			c.grant(key, waiting[0])
		}
	}
	clear(c.freed)
	granted := c.granted
	c.granted = nil
	return granted
}
