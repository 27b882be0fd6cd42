package main

import (
	"fmt"
	"net/netip"
)

// bindAddress is the value of --bind-address; the zero value is none.
type bindAddress struct{ netip.Addr }

// Set reads an address.
func (b *bindAddress) Set(text string) error {
	at, err := netip.ParseAddr(text)
	if err != nil {
		return fmt.Errorf("it is an address such as 0.0.0.0: %w", err)
	}
	b.Addr = at
	return nil
}

// String is the address, or nothing.
func (b *bindAddress) String() string {
	if !b.IsValid() {
		return ""
	}
	return b.Addr.String()
}

// Type is the name of the argument in the help.
func (b *bindAddress) Type() string { return "ADDRESS" }
