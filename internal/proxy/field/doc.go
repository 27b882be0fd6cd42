// Package field is the grammar of HTTP fields (RFC 9110 section 5): which bytes may stand where, and which names have a meaning of
// their own.
//
// In: bytes and strings of peers, of configuration, of filters. Out: yes or no, and the few conversions that all of them need. Both
// codecs, the checks of the configuration and the setters of filters use it, so that what one of them lets through no other one reads
// differently.
//
//	if !field.ValidName(name) || !field.ValidValue(value) { ... }
package field
