// Package refdata finds the reference data of tests that is not part of the
// project: Paddle's fixtures, real models, real pictures.
package refdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the path of a file or folder of the reference data, given by
// its elements, which may contain slashes. The data lie where OCTET_SHARED
// says, or in a folder shared beside the module. Where the path does not exist
// the test is skipped, under a word that CI counts, or fails where OCTET_REQUIRE
// is set: a make target that exists for these data proves nothing without them.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("OCTET_SHARED")
	if root == "" {
		root = filepath.Join(moduleRoot(t), "..", "shared")
	}
	for _, e := range elem {
		root = filepath.Join(root, filepath.FromSlash(e))
	}
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("OCTET_REQUIRE") != "" {
			t.Fatalf("%s is not there (OCTET_SHARED names the folder)", root)
		}
		t.Skipf("SKIP-NODATA: %s is not there (OCTET_SHARED names the folder)", root)
	}
	return root
}

// moduleRoot walks up from the test's folder to the go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("the test runs outside a module")
		}
		dir = up
	}
}
