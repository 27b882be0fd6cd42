package fact

import "github.com/spillway-lb/spillway/internal/store"

// KindHolder is of facts about who has an address.
const KindHolder = "address-holder"

// Holder names the fact of which owner is served at an address. Its value is the owner's store.Ref as a string; there is
// none for an address that nobody is served at. Who has an address keeps it for as long as it asks for it.
func Holder(address string) store.Fact { return store.Fact{Kind: KindHolder, Key: address} }
