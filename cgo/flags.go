package cgo

// The flags for a oneDNN that the system already has: Debian 13, Ubuntu 24.04, Homebrew, or a build under /usr/local.
// /usr/local/lib comes first because Debian 12's own libdnnl is oneDNN 2.6 and the linker would pick it over a 3.x beside it.
// Elsewhere third_party/setup.sh writes aa_third_party.go, whose name sorts before this file so that its -L wins;
// these flags stay free of any path inside the module, which would end up as a run path in the binaries of every importer.

// #cgo linux LDFLAGS: -L/usr/local/lib
// #cgo darwin CFLAGS: -I/opt/homebrew/include -I/usr/local/include
// #cgo darwin LDFLAGS: -L/opt/homebrew/lib -L/usr/local/lib
// #cgo LDFLAGS: -ldnnl -lm
import "C"
