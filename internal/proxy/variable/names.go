package variable

// ID numbers the variables.
type ID uint8

// The variables of Google's load balancers.
const (
	none ID = iota
	CDNCacheID
	CDNCacheStatus
	ClientCertChain
	ClientCertChainVerified
	ClientCertDNSNameSANs
	ClientCertError
	ClientCertIssuerDN
	ClientCertLeaf
	ClientCertPresent
	ClientCertSerialNumber
	ClientCertSHA256Fingerprint
	ClientCertSPIFFEID
	ClientCertSubjectDN
	ClientCertURISANs
	ClientCertValidNotAfter
	ClientCertValidNotBefore
	ClientCity
	ClientCityLatLong
	ClientEncrypted
	ClientIPAddress
	ClientPort
	ClientProtocol
	ClientRegion
	ClientRegionSubdivision
	ClientRTTMsec
	DeviceRequestType
	OriginRequestHeader
	ServerIPAddress
	ServerPort
	TLSCipherSuite
	TLSJA3Fingerprint
	TLSJA4Fingerprint
	TLSSNIHostname
	TLSVersion
	UserAgentFamily
	numIDs
)

var names = [numIDs]string{
	CDNCacheID:                  "cdn_cache_id",
	CDNCacheStatus:              "cdn_cache_status",
	ClientCertChain:             "client_cert_chain",
	ClientCertChainVerified:     "client_cert_chain_verified",
	ClientCertDNSNameSANs:       "client_cert_dnsname_sans",
	ClientCertError:             "client_cert_error",
	ClientCertIssuerDN:          "client_cert_issuer_dn",
	ClientCertLeaf:              "client_cert_leaf",
	ClientCertPresent:           "client_cert_present",
	ClientCertSerialNumber:      "client_cert_serial_number",
	ClientCertSHA256Fingerprint: "client_cert_sha256_fingerprint",
	ClientCertSPIFFEID:          "client_cert_spiffe_id",
	ClientCertSubjectDN:         "client_cert_subject_dn",
	ClientCertURISANs:           "client_cert_uri_sans",
	ClientCertValidNotAfter:     "client_cert_valid_not_after",
	ClientCertValidNotBefore:    "client_cert_valid_not_before",
	ClientCity:                  "client_city",
	ClientCityLatLong:           "client_city_lat_long",
	ClientEncrypted:             "client_encrypted",
	ClientIPAddress:             "client_ip_address",
	ClientPort:                  "client_port",
	ClientProtocol:              "client_protocol",
	ClientRegion:                "client_region",
	ClientRegionSubdivision:     "client_region_subdivision",
	ClientRTTMsec:               "client_rtt_msec",
	DeviceRequestType:           "device_request_type",
	OriginRequestHeader:         "origin_request_header",
	ServerIPAddress:             "server_ip_address",
	ServerPort:                  "server_port",
	TLSCipherSuite:              "tls_cipher_suite",
	TLSJA3Fingerprint:           "tls_ja3_fingerprint",
	TLSJA4Fingerprint:           "tls_ja4_fingerprint",
	TLSSNIHostname:              "tls_sni_hostname",
	TLSVersion:                  "tls_version",
	UserAgentFamily:             "user_agent_family",
}

// String is the variable's name.
func (id ID) String() string { return names[id] }

// All lists the variables.
func All() []ID {
	var out []ID
	for id := none + 1; id < numIDs; id++ {
		out = append(out, id)
	}
	return out
}

func lookup(name string) ID {
	for id := none + 1; id < numIDs; id++ {
		if names[id] == name {
			return id
		}
	}
	return none
}
