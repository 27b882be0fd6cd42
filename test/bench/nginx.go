package main

const nginxConfig = `
worker_processes 1;
daemon off;
pid {{.Dir}}/nginx.pid;
error_log {{.Dir}}/error.log error;
events { worker_connections 60000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  client_body_temp_path {{.Dir}}/nginx-body;
  proxy_temp_path {{.Dir}}/nginx-proxy;
  fastcgi_temp_path {{.Dir}}/nginx-fcgi;
  uwsgi_temp_path {{.Dir}}/nginx-uwsgi;
  scgi_temp_path {{.Dir}}/nginx-scgi;
  proxy_max_temp_file_size 0;
  proxy_request_buffering off;
  upstream backend {
    server 127.0.0.1:{{.Backend}};
    keepalive 10000;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:{{.Listen}} backlog=4096{{if .TLS}} ssl{{end}}{{if .HTTP2}} http2{{end}};
    http2_max_concurrent_streams 128;
{{- if .TLS}}
    ssl_certificate {{.Cert}};
    ssl_certificate_key {{.Key}};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:s:10m;
{{- end}}
{{- range .Prefixes}}
    location {{.}} { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }
{{- end}}
    location / {
{{- if .GRPC}}
      grpc_pass grpc://backend;
{{- else}}
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
{{- end}}
    }
  }
}
`

func nginxCommand(_ options, s setup) (env, argv []string, err error) {
	if s.http2Up && !s.grpc {
		return nil, nil, errUnsupported
	}
	file, err := render(s, "nginx.conf", nginxConfig)
	return nil, []string{"nginx", "-p", s.Dir, "-c", file}, err
}
