package v1

// CDNConfig is Google's cache in front of the backend service.
type CDNConfig struct {
	Enabled bool `json:"enabled"`
	// +optional
	BypassCacheOnRequestHeaders []BypassCacheOnRequestHeader `json:"bypassCacheOnRequestHeaders,omitempty"`
	// +optional
	CachePolicy *CacheKeyPolicy `json:"cachePolicy,omitempty"`
	// CacheMode is CACHE_ALL_STATIC, USE_ORIGIN_HEADERS or FORCE_CACHE_ALL.
	//
	// +optional
	CacheMode *string `json:"cacheMode,omitempty"`
	// +optional
	ClientTtl *int64 `json:"clientTtl,omitempty"`
	// +optional
	DefaultTtl *int64 `json:"defaultTtl,omitempty"`
	// +optional
	MaxTtl *int64 `json:"maxTtl,omitempty"`
	// +optional
	NegativeCaching *bool `json:"negativeCaching,omitempty"`
	// +optional
	NegativeCachingPolicy []NegativeCachingPolicy `json:"negativeCachingPolicy,omitempty"`
	// +optional
	RequestCoalescing *bool `json:"requestCoalescing,omitempty"`
	// +optional
	ServeWhileStale *int64 `json:"serveWhileStale,omitempty"`
	// +optional
	SignedUrlCacheMaxAgeSec *int64 `json:"signedUrlCacheMaxAgeSec,omitempty"`
	// +optional
	SignedUrlKeys []SignedUrlKey `json:"signedUrlKeys,omitempty"`
}

// BypassCacheOnRequestHeader is a header whose requests are not answered from the cache.
type BypassCacheOnRequestHeader struct {
	// +optional
	HeaderName string `json:"headerName,omitempty"`
}

// NegativeCachingPolicy is how long answers of a status are kept.
type NegativeCachingPolicy struct {
	// Code is 300, 301, 308, 404, 405, 410, 421, 451 or 501.
	//
	// +optional
	Code int64 `json:"code,omitempty"`
	// Ttl is at most 1800 s.
	//
	// +optional
	Ttl int64 `json:"ttl,omitempty"`
}

// CacheKeyPolicy says what of a request tells entries of the cache apart.
type CacheKeyPolicy struct {
	// +optional
	IncludeHost bool `json:"includeHost,omitempty"`
	// +optional
	IncludeProtocol bool `json:"includeProtocol,omitempty"`
	// +optional
	IncludeQueryString bool `json:"includeQueryString,omitempty"`
	// +optional
	QueryStringBlacklist []string `json:"queryStringBlacklist,omitempty"`
	// +optional
	QueryStringWhitelist []string `json:"queryStringWhitelist,omitempty"`
}

// SignedUrlKey is a key of signed URLs.
type SignedUrlKey struct {
	// +optional
	KeyName string `json:"keyName,omitempty"`
	// KeyValue is 128 bits in base64url.
	//
	// +optional
	KeyValue string `json:"keyValue,omitempty"`
	// SecretName is a Secret with key_value.
	//
	// +optional
	SecretName string `json:"secretName,omitempty"`
}
