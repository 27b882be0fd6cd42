package geo

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Place is where an address is. What is not known is empty.
type Place struct {
	// Region is a CLDR region code, as US.
	Region string
	// Subdivision is a CLDR subdivision, as USCA.
	Subdivision string
	// City is an English name in US-ASCII.
	City string
	// LatLong is that of the city, as 37.386051,-122.083851.
	LatLong string
}

// record is the part of a database's record that counts.
type record struct {
	Country struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Subdivisions []struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"subdivisions"`
	City struct {
		Names struct {
			English string `maxminddb:"en"`
		} `maxminddb:"names"`
	} `maxminddb:"city"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
}

func (r *record) place() Place {
	p := Place{Region: r.Country.ISOCode, City: ascii(r.City.Names.English)}
	if len(r.Subdivisions) > 0 && p.Region != "" && r.Subdivisions[0].ISOCode != "" {
		p.Subdivision = p.Region + r.Subdivisions[0].ISOCode
	}
	if at := r.Location; p.City != "" && at.Latitude != nil && at.Longitude != nil {
		p.LatLong = degrees(*at.Latitude) + "," + degrees(*at.Longitude)
	}
	return p
}

func degrees(d float64) string { return strconv.FormatFloat(d, 'f', 6, 64) }

// ascii takes accents away, and what else is left that is not US-ASCII.
func ascii(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f {
			return -1
		}
		return c
	}, norm.NFD.String(name))
}
