//go:build !race

package chains_test

// watched: the race detector makes everything several times slower.
const watched = false
