package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// checkIAP wants the credentials of the OAuth client to be there.
func checkIAP(v *recompute.View, cluster, namespace string, c *cloudv1.IAPConfig) error {
	o := c.OAuthClientCredentials
	if o == nil || o.ClientID != "" && o.ClientSecret != "" {
		return nil
	}
	return checkSecret(v, cluster, namespace, o.SecretName, "client_id", "client_secret")
}

func checkSecret(v *recompute.View, cluster, namespace, name string, keys ...string) error {
	secret, ok := recompute.Get[*corev1.Secret](v, store.Ref{Cluster: cluster, Kind: kind.Secret, Namespace: namespace, Name: name})
	if !ok {
		return fmt.Errorf("error retrieving secret %s: secrets %q not found", name, name)
	}
	for _, key := range keys {
		if len(secret.Data[key]) == 0 {
			return fmt.Errorf("secret %s missing %s data", name, key)
		}
	}
	return nil
}

// Limits of Google's API.
const (
	maxBypassHeaders  = 5
	maxSignedURLKeys  = 3
	maxCacheTTL       = 31_622_400 // s, a year
	maxClientTTL      = 86_400     // s
	maxNegativeTTL    = 1800       // s
	maxStale          = 604_800    // s
	signedURLKeyBytes = 16
)

// checkCDN holds the settings of the cache, none of which is done, against Google's rules.
func checkCDN(v *recompute.View, cluster, namespace string, c *cloudv1.CDNConfig) error {
	mode := or(c.CacheMode, "CACHE_ALL_STATIC")
	switch mode {
	case "CACHE_ALL_STATIC", "USE_ORIGIN_HEADERS", "FORCE_CACHE_ALL":
	default:
		return fmt.Errorf("cdn.cacheMode: %s, should be CACHE_ALL_STATIC, USE_ORIGIN_HEADERS or FORCE_CACHE_ALL", mode)
	}
	for _, f := range []struct {
		name  string
		value *int64
		top   int64
	}{
		{"clientTtl", c.ClientTtl, maxClientTTL},
		{"defaultTtl", c.DefaultTtl, maxCacheTTL},
		{"maxTtl", c.MaxTtl, maxCacheTTL},
		{"serveWhileStale", c.ServeWhileStale, maxStale},
		{"signedUrlCacheMaxAgeSec", c.SignedUrlCacheMaxAgeSec, maxCacheTTL},
	} {
		if f.value != nil && (*f.value < 0 || *f.value > f.top) {
			return fmt.Errorf("cdn.%s: %d, should be between 0 and %d", f.name, *f.value, f.top)
		}
	}
	if err := checkCacheKey(c.CachePolicy); err != nil {
		return err
	}
	nameless := func(h cloudv1.BypassCacheOnRequestHeader) bool { return h.HeaderName == "" }
	if len(c.BypassCacheOnRequestHeaders) > maxBypassHeaders || slices.ContainsFunc(c.BypassCacheOnRequestHeaders, nameless) {
		return fmt.Errorf("cdn.bypassCacheOnRequestHeaders: at most %d, each with a headerName", maxBypassHeaders)
	}
	return errors.Join(checkNegative(c), checkSigned(v, cluster, namespace, c.SignedUrlKeys))
}

func checkCacheKey(p *cloudv1.CacheKeyPolicy) error {
	if p == nil {
		return nil
	}
	lists := len(p.QueryStringBlacklist) > 0 || len(p.QueryStringWhitelist) > 0
	if lists && !p.IncludeQueryString {
		return errors.New("cdn.cachePolicy: queryStringBlacklist and queryStringWhitelist need includeQueryString")
	}
	if len(p.QueryStringBlacklist) > 0 && len(p.QueryStringWhitelist) > 0 {
		return errors.New("cdn.cachePolicy: either queryStringBlacklist or queryStringWhitelist, not both")
	}
	return nil
}

func checkNegative(c *cloudv1.CDNConfig) error {
	if len(c.NegativeCachingPolicy) > 0 && !or(c.NegativeCaching, true) {
		return errors.New("cdn.negativeCachingPolicy needs negativeCaching")
	}
	var seen []int64
	for _, p := range c.NegativeCachingPolicy {
		if !slices.Contains([]int64{300, 301, 308, 404, 405, 410, 421, 451, 501}, p.Code) || slices.Contains(seen, p.Code) {
			return fmt.Errorf("cdn.negativeCachingPolicy: code %d, should be one of 300, 301, 308, 404, 405, 410, 421, 451 and 501, each once", p.Code)
		}
		if p.Ttl < 0 || p.Ttl > maxNegativeTTL {
			return fmt.Errorf("cdn.negativeCachingPolicy: ttl %d, should be between 0 and %d", p.Ttl, maxNegativeTTL)
		}
		seen = append(seen, p.Code)
	}
	return nil
}

func checkSigned(v *recompute.View, cluster, namespace string, keys []cloudv1.SignedUrlKey) error {
	if len(keys) > maxSignedURLKeys {
		return fmt.Errorf("cdn.signedUrlKeys: %d keys, at most %d", len(keys), maxSignedURLKeys)
	}
	for _, k := range keys {
		if k.KeyName == "" {
			return errors.New("cdn.signedUrlKeys: a key has no keyName")
		}
		if k.SecretName != "" {
			if err := checkSecret(v, cluster, namespace, k.SecretName, "key_value"); err != nil {
				return err
			}
			continue
		}
		if value, err := base64.URLEncoding.DecodeString(k.KeyValue); err != nil || len(value) != signedURLKeyBytes {
			return fmt.Errorf("cdn.signedUrlKeys: the value of key %q is not 128 bits in base64url", k.KeyName)
		}
	}
	return nil
}
