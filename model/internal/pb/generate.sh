#!/bin/sh
# Makes program.pb.go from program.proto, and onnx.pb.go from the onnx.proto of
# the package onnx. Run it after an edit of a .proto; nothing of a normal build
# or test needs it.
#
# protoc comes from the Python package grpcio-tools, protoc-gen-go from the
# protobuf release that go.mod names; both land in a scratch folder that is
# removed again.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" --quiet install grpcio-tools==1.85.1
version=$(go list -m -f '{{.Version}}' google.golang.org/protobuf)
GOBIN="$scratch" go install "google.golang.org/protobuf/cmd/protoc-gen-go@$version"

for proto in program.proto ../../../onnx/internal/pb/onnx.proto; do
	folder=$(dirname "$proto")
	PATH="$scratch:$PATH" "$scratch/venv/bin/python" -m grpc_tools.protoc \
		--proto_path="$folder" --go_out="$folder" --go_opt=paths=source_relative "$(basename "$proto")"
	gofmt -l "$folder"
done
