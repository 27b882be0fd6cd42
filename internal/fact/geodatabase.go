package fact

import "github.com/spillway-lb/spillway/internal/store"

// KindGeoDatabase is of facts about geo databases that proxies cannot read.
const KindGeoDatabase = "geo-database"

// GeoDatabase names the fact that proxies cannot read a geo database, by its file. Its value is a string that says why; there is
// none for one that they read, or do not use.
func GeoDatabase(file string) store.Fact { return store.Fact{Kind: KindGeoDatabase, Key: file} }
