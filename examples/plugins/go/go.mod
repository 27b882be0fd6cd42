module example.com/hello-plugin

go 1.24
