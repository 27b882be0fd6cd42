// Package values holds the promise that what an API server admits is served as it is written or refused in words. Its test generates
// odd values, field by field, and sends each through the schema, the translators, the proxy's compiler and the proxy's matcher.
package values
