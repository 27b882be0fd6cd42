// Command lbproto writes the Go code of .proto files, as protoc with protoc-gen-go does, on a machine that has Go alone.
//
// In: paths of .proto files, relative to the directory that it runs in. Out: a .pb.go beside each.
//
//	lbproto api/lb/v1/lb.proto
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	gengo "google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// protocVersion is the protoc whose output this is, byte for byte: both write the same file.
var protocVersion = &pluginpb.Version{Major: proto.Int32(3), Minor: proto.Int32(21), Patch: proto.Int32(12)}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lbproto:", err)
		os.Exit(1)
	}
}

func run(paths []string) error {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), paths...)
	if err != nil {
		return err
	}
	generator, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: paths, Parameter: proto.String("paths=source_relative"), ProtoFile: descriptors(files), CompilerVersion: protocVersion,
	})
	if err != nil {
		return err
	}
	for _, f := range generator.Files {
		if f.Generate {
			gengo.GenerateFile(generator, f)
		}
	}
	return write(generator.Response())
}

// descriptors are the files and what they import, imports first.
func descriptors(files linker.Files) []*descriptorpb.FileDescriptorProto {
	var all []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		all = append(all, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, f := range files {
		add(f)
	}
	return all
}

func write(response *pluginpb.CodeGeneratorResponse) error {
	if response.Error != nil {
		return fmt.Errorf("%s", response.GetError())
	}
	for _, f := range response.GetFile() {
		if err := os.WriteFile(f.GetName(), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
