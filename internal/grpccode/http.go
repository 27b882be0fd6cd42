package grpccode

// OfHTTP is gRPC's own table of what an HTTP status other than 200 means (http-grpc-status-mapping).
func OfHTTP(status int) Code {
	switch status {
	case 400:
		return Internal
	case 401:
		return 16
	case 403:
		return 7
	case 404:
		return 12
	case 429, 502, 503, 504:
		return Unavailable
	}
	return Unknown
}
